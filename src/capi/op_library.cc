#include "capi/op_library.h"

#include <dlfcn.h>

#include <cstring>

#include "base/file.h"
#include "capi/guard.h"
#include "capi/op_context.h"

struct anyrt_op_registry {
  anyrt::OpSet* ops;
  std::shared_ptr<const void> library;
};

namespace anyrt {

using c::guarded;

namespace {

const char* text_or_empty(const char* text) { return text ? text : ""; }

// What the functions of an operator share; lives until the last of them goes. The library goes after `destroy`.
struct OpState {
  std::shared_ptr<const void> library;
  anyrt_status* (*infer)(void*, anyrt_op_context*);
  anyrt_status* (*eval)(void*, anyrt_op_context*);
  void* user;
  void (*destroy)(void*);

  OpState(const anyrt_op_def& def, std::shared_ptr<const void> l)
      : library(std::move(l)), infer(def.infer), eval(def.eval), user(def.user), destroy(def.destroy) {}
  OpState(const OpState&) = delete;
  OpState& operator=(const OpState&) = delete;
  ~OpState() {
    if (destroy) destroy(user);
  }
};

Status take(anyrt_status* status) {
  if (!status) return {};
  Status out(static_cast<Code>(anyrt_status_code(status)), anyrt_status_message(status));
  anyrt_status_free(status);
  return out;
}

std::vector<CustomOp::Parameter> parameters(const anyrt_op_param* from, size_t count) {
  std::vector<CustomOp::Parameter> out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back({text_or_empty(from[i].name), from[i].type ? from[i].type : "any",
                   static_cast<uint8_t>(from[i].flags), text_or_empty(from[i].doc)});
  }
  return out;
}

Expected<CustomOp::Attribute> attribute(const anyrt_op_attr& from) {
  CustomOp::Attribute a;
  a.name = text_or_empty(from.name);
  a.doc = text_or_empty(from.doc);
  a.required = from.flags & ANYRT_ATTR_REQUIRED;
  const bool has_default = from.flags & ANYRT_ATTR_HAS_DEFAULT;
  switch (from.kind) {
    case ANYRT_ATTR_INT:
      a.kind = AttrKind::kInt;
      if (has_default) a.fallback = from.i;
      return a;
    case ANYRT_ATTR_FLOAT:
      a.kind = AttrKind::kFloat;
      if (has_default) a.fallback = from.f;
      return a;
    case ANYRT_ATTR_STRING:
      a.kind = AttrKind::kString;
      if (has_default) a.fallback = std::string(text_or_empty(from.s));
      return a;
    case ANYRT_ATTR_INTS:
      a.kind = AttrKind::kInts;
      if (has_default) {
        if (from.ints_count > 0) ANYRT_C_NEED(from.ints);
        a.fallback = std::vector<int64_t>(from.ints, from.ints + from.ints_count);
      }
      return a;
    case ANYRT_ATTR_TENSOR: a.kind = AttrKind::kTensor; break;
    case ANYRT_ATTR_FLOATS: a.kind = AttrKind::kFloats; break;
    case ANYRT_ATTR_STRINGS: a.kind = AttrKind::kStrings; break;
    default: return invalid_argument("attribute '{}' has kind {}", a.name, static_cast<int>(from.kind));
  }
  if (has_default) return invalid_argument("attribute '{}': only INT, FLOAT, STRING and INTS have a default", a.name);
  return a;
}

Status add_op(anyrt_op_registry& registry, const anyrt_op_def& def) {
  if (def.struct_size != sizeof(anyrt_op_def))
    return invalid_argument("struct_size of an operator is {}, expected {}", def.struct_size, sizeof(anyrt_op_def));
  const auto state = std::make_shared<const OpState>(def, registry.library);
  if (def.input_count > 0) ANYRT_C_NEED(def.inputs);
  if (def.output_count > 0) ANYRT_C_NEED(def.outputs);
  if (def.attr_count > 0) ANYRT_C_NEED(def.attrs);
  if (def.type_count > 0) ANYRT_C_NEED(def.types);
  CustomOp op;
  op.name = text_or_empty(def.name);
  op.domain = text_or_empty(def.domain);
  op.since = def.since > 0 ? def.since : 1;
  op.doc = text_or_empty(def.doc);
  op.flags = def.flags & ANYRT_OP_STATEFUL ? kRandom : kPure;
  op.inputs = parameters(def.inputs, def.input_count);
  op.outputs = parameters(def.outputs, def.output_count);
  for (size_t i = 0; i < def.attr_count; ++i) {
    ANYRT_ASSIGN(CustomOp::Attribute a, attribute(def.attrs[i]));
    op.attrs.push_back(std::move(a));
  }
  for (size_t i = 0; i < def.type_count; ++i)
    op.types.emplace_back(text_or_empty(def.types[i].name), text_or_empty(def.types[i].types));
  if (def.infer) {
    op.infer = [state](InferContext& context) -> Status {
      anyrt_op_context c(&context, nullptr);
      return take(state->infer(state->user, &c));
    };
  }
  if (def.eval) {
    op.eval = [state](EvalContext& context) -> Status {
      anyrt_op_context c(nullptr, &context);
      return take(state->eval(state->user, &c));
    };
  }
  op.keep_alive = state;
  return registry.ops->add(std::move(op));
}

anyrt_status* set_string(anyrt_value* tensor, size_t index, const char* text, size_t length) {
  return guarded([&]() -> Status {
    if (!tensor || !tensor->value.is_tensor() || tensor->value.tensor().dtype() != DType::kString)
      return invalid_argument("expected a tensor of strings, found {}", tensor ? tensor->value.type_string() : "NULL");
    Tensor& t = tensor->value.tensor();
    if (index >= static_cast<size_t>(t.size()))
      return make_error(Code::kOutOfRange, "there is no element {} in {}", index, t.type_string());
    if (length > 0) ANYRT_C_NEED(text);
    t.mutable_data<std::string>()[index].assign(text, length);
    return {};
  });
}

const anyrt_op_api& op_api() {
  static const anyrt_op_api table = [] {
    anyrt_op_api api = {};
    api.struct_size = sizeof api;
    api.version = ANYRT_OP_API_VERSION;
    api.status_create = anyrt_status_create;
    api.status_free = anyrt_status_free;
    api.add_op = [](anyrt_op_registry* registry, const anyrt_op_def* def) {
      return guarded([&]() -> Status {
        ANYRT_C_NEED(registry);
        ANYRT_C_NEED(def);
        return add_op(*registry, *def);
      });
    };
    c::fill_context_functions(api);
    api.value_kind = anyrt_value_kind;
    api.tensor_dtype = anyrt_tensor_dtype;
    api.tensor_rank = anyrt_tensor_rank;
    api.tensor_dims = anyrt_tensor_dims;
    api.tensor_size = anyrt_tensor_size;
    api.tensor_data = anyrt_tensor_data;
    api.tensor_mutable_data = anyrt_tensor_mutable_data;
    api.tensor_string = anyrt_tensor_string;
    api.tensor_set_string = set_string;
    api.tensor_create = anyrt_tensor_create;
    api.sequence_create = anyrt_sequence_create;
    api.value_count = anyrt_value_count;
    api.value_get = anyrt_value_get;
    api.value_free = anyrt_value_free;
    api.type_kind = anyrt_type_kind;
    api.type_dtype = anyrt_type_dtype;
    api.type_rank = anyrt_type_rank;
    api.type_dim = anyrt_type_dim;
    api.type_elem = anyrt_type_elem;
    return api;
  }();
  return table;
}

constexpr const char* kOrtEntry = "RegisterCustomOps";

Status ort_library() {
  return not_implemented(
      "this is a custom-operator library for ONNX Runtime (it exports RegisterCustomOps), which has another interface; "
      "build its kernels with anyrt/custom_op.h instead (docs/custom-operators.md)");
}

Expected<OpSet> load(const std::string& path) {
  ANYRT_ASSIGN(const bool regular, is_regular_file(path));
  if (!regular) return invalid_argument("it is no file");
  // Without a '/' the system's folders would be searched.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  dlerror();
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* why = dlerror();
    const std::string message = why ? why : "not known why";
    // Such a library may need ONNX Runtime itself.
    const Expected<std::string> bytes = read_file(path, size_t{256} << 20);
    if (bytes.ok() && bytes->starts_with("\177ELF") && bytes->find(kOrtEntry) != std::string::npos)
      return ort_library();
    return invalid_argument("it cannot be loaded as a shared library: {}", message);
  }
  const std::shared_ptr<const void> library(handle, [](const void* h) { dlclose(const_cast<void*>(h)); });
  const auto entry = reinterpret_cast<decltype(&anyrt_register_ops)>(dlsym(handle, "anyrt_register_ops"));
  const auto version = reinterpret_cast<decltype(&anyrt_op_library_version)>(dlsym(handle, "anyrt_op_library_version"));
  if (!entry || !version) {
    if (dlsym(handle, kOrtEntry)) return ort_library();
    return invalid_argument(
        "it is no library of operators: it does not export {} (anyrt/custom_op.h says what one consists of)",
        entry ? "anyrt_op_library_version" : "anyrt_register_ops");
  }
  if (const uint32_t built = version(); built == 0 || built > ANYRT_OP_API_VERSION) {
    return not_implemented("it was built for version {} of the operator interface, this anyrt has version {}", built,
                           ANYRT_OP_API_VERSION);
  }
  OpSet ops;
  anyrt_op_registry registry{&ops, library};
  ANYRT_TRY(take(guarded([&]() -> Status { return take(entry(&op_api(), &registry)); })));
  if (ops.empty()) return invalid_argument("it registers no operators");
  return ops;
}

}  // namespace

Expected<OpSet> load_op_library(const std::string& path) {
  Expected<OpSet> ops = load(path);
  if (ops.ok()) return ops;
  Status status = std::move(ops).status();
  if (status.message().find(path) != std::string::npos) return status;
  return std::move(status).with_context("operator library '" + path + "'");
}

}  // namespace anyrt
