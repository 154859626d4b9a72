#include "format/onnx/proto.h"

namespace anyrt::onnx {
namespace {

Status decode_entry(Wire w, std::pair<std::string_view, std::string_view>& out) {
  while (w.next()) {
    if (w.field() == 1) out.first = w.bytes();
    if (w.field() == 2) out.second = w.bytes();
  }
  return w.finish();
}

void add_entry(Wire& w, Entries& entries) {
  w.take(decode_entry(w.message("StringStringEntryProto"), entries.emplace_back()));
}

Status decode_opset(Wire w, std::pair<std::string_view, int64_t>& out) {
  while (w.next()) {
    if (w.field() == 1) out.first = w.bytes();
    if (w.field() == 2) out.second = w.integer();
  }
  return w.finish();
}

Status decode_dim(Wire w, Dim& out) {
  std::string_view denotation;
  while (w.next()) {
    if (w.field() == 1) {
      const int64_t value = w.integer();
      out = value < 0 ? Dim::unknown() : Dim(value);
    } else if (w.field() == 2) {
      const std::string_view name = w.bytes();
      out = name.empty() ? Dim::unknown() : Dim::symbol(std::string(name));
    } else if (w.field() == 3) {
      denotation = w.bytes();
    }
  }
  if (const auto* sizes = w.source().denoted; sizes && !out.is_const()) {
    if (const auto found = sizes->find(denotation); found != sizes->end()) out = Dim(found->second);
  }
  return w.finish();
}

Status decode_shape(Wire w, SymShape& out) {
  while (w.next()) {
    if (w.field() != 1) continue;
    if (out.size() == kMaxRank) return invalid_model("a shape has more than {} dimensions", kMaxRank);
    w.take(decode_dim(w.message("TensorShapeProto.Dimension"), out.emplace_back()));
  }
  return w.finish();
}

Status decode_dtype(int64_t number, DType& out) {
  if (number != 0 && (number < 0 || number > kDTypeCount || !is_valid_dtype(static_cast<int>(number)))) {
    return invalid_model("element type {} is not known, expected 1 to {}", number, kDTypeCount - 1);
  }
  out = static_cast<DType>(number);
  return {};
}

// TypeProto.Tensor and TypeProto.SparseTensor.
Status decode_tensor_type(Wire w, Type& out) {
  while (w.next()) {
    if (w.field() == 1) w.take(decode_dtype(w.integer(), out.dtype));
    if (w.field() == 2) w.take(decode_shape(w.message("TensorShapeProto"), out.shape.emplace()));
  }
  return w.finish();
}

// Sequence, Optional (element in field 1) and Map (key in 1, value in 2).
Status decode_compound_type(Wire w, Type& out, int depth) {
  Type elem;
  const uint32_t elem_field = out.kind == TypeKind::kMap ? 2 : 1;
  while (w.next()) {
    if (w.field() == elem_field) {
      w.take(decode_type(w.message("TypeProto"), elem, depth + 1));
    } else if (w.field() == 1) {
      w.take(decode_dtype(w.integer(), out.dtype));
    }
  }
  out.elem = std::make_shared<const Type>(std::move(elem));
  return w.finish();
}

}  // namespace

Status decode_type(Wire w, Type& out, int depth) {
  if (depth > kMaxDepth) return invalid_model("a type is nested deeper than {} levels", kMaxDepth);
  while (w.next()) {
    Type type;
    switch (w.field()) {
      case 1:
        type.kind = TypeKind::kTensor;
        w.take(decode_tensor_type(w.message("TypeProto.Tensor"), type));
        break;
      case 4:
        type.kind = TypeKind::kSequence;
        w.take(decode_compound_type(w.message("TypeProto.Sequence"), type, depth));
        break;
      case 5:
        type.kind = TypeKind::kMap;
        w.take(decode_compound_type(w.message("TypeProto.Map"), type, depth));
        break;
      case 7: type.kind = TypeKind::kOpaque; break;
      case 8:
        type.kind = TypeKind::kSparseTensor;
        w.take(decode_tensor_type(w.message("TypeProto.SparseTensor"), type));
        break;
      case 9:
        type.kind = TypeKind::kOptional;
        w.take(decode_compound_type(w.message("TypeProto.Optional"), type, depth));
        break;
      default: continue;
    }
    out = std::move(type);
  }
  return w.finish();
}

Status decode(Wire w, TensorMsg& out) {
  while (w.next()) {
    switch (w.field()) {
      case 1: w.append(out.dims); break;
      case 2: out.data_type = w.integer(); break;
      case 3: out.has_segment = true; break;
      case 4: out.typed[kFloatData].push_back(w.run(4)); break;
      case 5: out.typed[kInt32Data].push_back(w.run(0)); break;
      case 6: out.strings.push_back(w.bytes()); break;
      case 7: out.typed[kInt64Data].push_back(w.run(0)); break;
      case 8: out.name = w.bytes(); break;
      case 9: out.raw = w.bytes(); break;
      case 10: out.typed[kDoubleData].push_back(w.run(8)); break;
      case 11: out.typed[kUint64Data].push_back(w.run(0)); break;
      case 13: add_entry(w, out.external); break;
      case 14: out.location = w.integer(); break;
      default: break;
    }
  }
  return w.finish();
}

Status decode(Wire w, SparseMsg& out) {
  while (w.next()) {
    if (w.field() == 1) out.values = w.bytes();
    if (w.field() == 2) out.indices = w.bytes();
    if (w.field() == 3) w.append(out.dims);
  }
  return w.finish();
}

Status decode(Wire w, AttrMsg& out) {
  const auto seen = [&](AttrType type) { out.present |= 1u << type; };
  const auto one = [&](AttrType type) {
    seen(type);
    out.messages.emplace_back(type, w.bytes());
  };
  while (w.next()) {
    switch (w.field()) {
      case 1: out.name = w.bytes(); break;
      case 2:
        out.f = w.f32();
        seen(kAttrFloat);
        break;
      case 3:
        out.i = w.integer();
        seen(kAttrInt);
        break;
      case 4:
        out.s = w.bytes();
        seen(kAttrString);
        break;
      case 5: one(kAttrTensor); break;
      case 6: one(kAttrGraph); break;
      case 7:
        w.append(out.floats);
        seen(kAttrFloats);
        break;
      case 8:
        w.append(out.ints);
        seen(kAttrInts);
        break;
      case 9:
        out.strings.push_back(w.bytes());
        seen(kAttrStrings);
        break;
      case 10: one(kAttrTensors); break;
      case 11: one(kAttrGraphs); break;
      case 14: one(kAttrType); break;
      case 15: one(kAttrTypes); break;
      case 20: out.type = w.integer(); break;
      case 21: out.ref_name = w.bytes(); break;
      case 22: one(kAttrSparse); break;
      case 23: one(kAttrSparses); break;
      default: break;
    }
  }
  return w.finish();
}

Status decode(Wire w, ValueInfoMsg& out) {
  while (w.next()) {
    if (w.field() == 1) out.name = w.bytes();
    if (w.field() == 2) out.type = w.bytes();
    if (w.field() == 3) out.doc = w.bytes();
  }
  return w.finish();
}

Status decode(Wire w, NodeMsg& out) {
  while (w.next()) {
    switch (w.field()) {
      case 1: out.inputs.push_back(w.bytes()); break;
      case 2: out.outputs.push_back(w.bytes()); break;
      case 3: out.name = w.bytes(); break;
      case 4: out.op = w.bytes(); break;
      case 5: out.attrs.push_back(w.bytes()); break;
      case 6: out.doc = w.bytes(); break;
      case 7: out.domain = w.bytes(); break;
      case 8: out.overload = w.bytes(); break;
      default: break;
    }
  }
  return w.finish();
}

Status decode_node_outputs(Wire w, std::vector<std::string_view>& out) {
  while (w.next()) {
    if (w.field() == 2) out.push_back(w.bytes());
  }
  return w.finish();
}

Status decode(Wire w, GraphMsg& out) {
  while (w.next()) {
    switch (w.field()) {
      case 1: out.nodes.push_back(w.bytes()); break;
      case 2: out.name = w.bytes(); break;
      case 5: out.initializers.push_back(w.bytes()); break;
      case 10: out.doc = w.bytes(); break;
      case 11: out.inputs.push_back(w.bytes()); break;
      case 12: out.outputs.push_back(w.bytes()); break;
      case 13: out.value_infos.push_back(w.bytes()); break;
      case 15: out.sparse_initializers.push_back(w.bytes()); break;
      default: break;
    }
  }
  return w.finish();
}

Status decode(Wire w, FunctionMsg& out) {
  while (w.next()) {
    switch (w.field()) {
      case 1: out.name = w.bytes(); break;
      case 4: out.inputs.push_back(w.bytes()); break;
      case 5: out.outputs.push_back(w.bytes()); break;
      case 6: out.attrs.push_back(w.bytes()); break;
      case 7: out.nodes.push_back(w.bytes()); break;
      case 9: w.take(decode_opset(w.message("OperatorSetIdProto"), out.opsets.emplace_back())); break;
      case 10: out.domain = w.bytes(); break;
      case 11: out.default_attrs.push_back(w.bytes()); break;
      case 13: out.overload = w.bytes(); break;
      default: break;
    }
  }
  return w.finish();
}

Status decode(Wire w, ModelMsg& out) {
  while (w.next()) {
    switch (w.field()) {
      case 1: out.ir_version = w.integer(); break;
      case 2: out.producer_name = w.bytes(); break;
      case 3: out.producer_version = w.bytes(); break;
      case 4: out.domain = w.bytes(); break;
      case 5: out.model_version = w.integer(); break;
      case 6: out.doc = w.bytes(); break;
      case 7: out.graph = w.bytes(); break;
      case 8: w.take(decode_opset(w.message("OperatorSetIdProto"), out.opsets.emplace_back())); break;
      case 14: add_entry(w, out.metadata); break;
      case 20: out.has_training_info = true; break;
      case 25: out.functions.push_back(w.bytes()); break;
      default: break;
    }
  }
  return w.finish();
}

}  // namespace anyrt::onnx
