#include "opdef/custom_op.h"

#include "bindings/python/common.h"

namespace anyrt::python {

namespace {

AttrKind attribute_kind(const std::string& word) {
  for (const auto& [name, kind] : {std::pair{"int", AttrKind::kInt},
                                   {"float", AttrKind::kFloat},
                                   {"string", AttrKind::kString},
                                   {"ints", AttrKind::kInts},
                                   {"floats", AttrKind::kFloats}}) {
    if (word == name) return kind;
  }
  raise_status(invalid_argument("attribute kind '{}', expected int, float, string, ints or floats", word));
}

// Attributes that the node has; the function's own defaults stand for the others.
nb::dict attributes(const AttrReader& c, const std::vector<CustomOp::Attribute>& attrs) {
  nb::dict out;
  for (const CustomOp::Attribute& a : attrs) {
    if (!c.has_attr(a.name)) continue;
    nb::object value;
    if (a.kind == AttrKind::kInt) {
      value = nb::int_(c.i(a.name));
    } else if (a.kind == AttrKind::kFloat) {
      value = nb::float_(static_cast<double>(c.f(a.name)));
    } else if (a.kind == AttrKind::kString) {
      const std::string text(c.s(a.name));
      value = nb::str(text.c_str(), text.size());
    } else {
      nb::list items;
      if (a.kind == AttrKind::kInts) {
        for (const int64_t v : c.ints(a.name)) items.append(v);
      } else {
        for (const float v : c.floats(a.name)) items.append(static_cast<double>(v));
      }
      value = items;
    }
    out[a.name.c_str()] = value;
  }
  return out;
}

// The functions answer (text of the error or None, results).
Expected<nb::list> answer(nb::handle function, const nb::list& args, const nb::dict& attrs) {
  try {
    nb::object pair = function(args, attrs);
    if (nb::object error = pair[0]; !error.is_none()) return Status(Code::kInternal, text_of(error));
    return nb::borrow<nb::list>(nb::object(pair[1]));
  } catch (nb::python_error& e) {
    return Status(Code::kInternal, e.what());
  }
}

nb::object shape_object(const SymShape* shape) {
  if (!shape) return nb::none();
  nb::list dims;
  for (const Dim& d : *shape) {
    if (d.is_const()) {
      dims.append(d.value());
    } else if (d.is_unknown()) {
      dims.append(nb::none());
    } else {
      dims.append(nb::str(d.to_string().c_str()));
    }
  }
  return dims;
}

Expected<Type> type_from(nb::handle spec) {
  try {
    nb::object dtype = spec[0], shape = spec[1];
    const DType element = dtype.is_none() ? DType::kUndefined : dtype_from_numpy(dtype);
    if (shape.is_none()) return Type::tensor(element);
    SymShape dims;
    for (nb::handle d : shape) {
      if (d.is_none()) {
        dims.push_back(Dim::unknown());
      } else if (PyUnicode_Check(d.ptr())) {
        ANYRT_ASSIGN(Dim parsed, Dim::parse(text_of(d)));
        dims.push_back(std::move(parsed));
      } else {
        dims.push_back(Dim(nb::cast<int64_t>(d)));
      }
    }
    return Type::tensor(element, std::move(dims));
  } catch (const std::exception& e) {
    return invalid_argument("infer must give (dtype, shape) of each output: {}", e.what());
  }
}

Status evaluate(EvalContext& c, nb::handle function, const std::vector<CustomOp::Attribute>& attrs) {
  const nb::gil_scoped_acquire gil;
  nb::list args;
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    const Value& v = c.value(i);
    args.append(v.is_tensor() ? array_view(v.tensor()) : value_to_python(Value(v)));
  }
  ANYRT_ASSIGN(nb::list results, answer(function, args, attributes(c, attrs)));
  for (size_t i = 0; i < nb::len(results) && i < c.num_outputs(); ++i) {
    nb::object result = results[i];
    if (result.is_none() || !c.wants_output(i)) continue;
    try {
      // The array may be one of the inputs, or be kept by the function: a copy is the output's own.
      Value v = value_from_python(result, Type(), Borrow::kKeepAlive);
      if (v.is_tensor()) v = take(v.tensor().clone());
      c.set_output(i, std::move(v));
    } catch (const std::exception& e) {
      return invalid_argument("output {}: {}", i, e.what());
    }
  }
  return {};
}

Status infer(InferContext& c, nb::handle function, const std::vector<CustomOp::Attribute>& attrs) {
  const nb::gil_scoped_acquire gil;
  nb::list args;
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    nb::object dtype = nb::none();
    if (c.input_dtype(i) != DType::kUndefined) dtype = nb::str(std::string(dtype_name(c.input_dtype(i))).c_str());
    args.append(nb::make_tuple(dtype, shape_object(c.input_shape(i))));
  }
  ANYRT_ASSIGN(nb::list results, answer(function, args, attributes(c, attrs)));
  for (size_t i = 0; i < nb::len(results) && i < c.num_outputs(); ++i) {
    nb::object spec = results[i];
    ANYRT_ASSIGN(Type type, type_from(spec));
    if (c.has_output(i)) c.set_output(i, std::move(type));
  }
  return {};
}

CustomOp custom_op_from(const nb::dict& d) {
  CustomOp op;
  op.name = text_of(d["name"]);
  op.domain = text_of(d["domain"]);
  op.since = nb::cast<int>(d["since"]);
  op.doc = text_of(d["doc"]);
  op.flags = nb::cast<bool>(d["pure"]) ? kPure : kRandom;
  const nb::list inputs = d["inputs"], outputs = d["outputs"];
  const nb::dict types = d["types"];
  const size_t required = nb::cast<size_t>(d["required"]);
  const bool variadic = nb::cast<bool>(d["variadic"]);
  for (size_t i = 0; i < nb::len(inputs); ++i) {
    CustomOp::Parameter p;
    p.name = text_of(inputs[i]);
    if (variadic && i + 1 == nb::len(inputs)) {
      p.flags = kVariadicAnyParam;
    } else {
      p.flags = i < required ? kRequiredParam : kOptionalParam;
      // Rules have the names of inputs, so that outputs may refer to them.
      p.type = p.name;
      op.types.emplace_back(p.name, types.contains(p.name.c_str()) ? text_of(types[p.name.c_str()]) : "any");
    }
    op.inputs.push_back(std::move(p));
  }
  for (nb::handle name : outputs) {
    CustomOp::Parameter p;
    p.name = text_of(name);
    if (types.contains(p.name.c_str())) p.type = text_of(types[p.name.c_str()]);
    op.outputs.push_back(std::move(p));
  }
  const nb::list attrs = d["attrs"];
  for (nb::handle row : attrs) {
    CustomOp::Attribute a;
    a.name = text_of(row[0]);
    a.kind = attribute_kind(text_of(row[1]));
    a.required = nb::object(row[2]).is_none();
    op.attrs.push_back(std::move(a));
  }
  const auto held = hold(d["eval"]);
  const auto handle = [](const std::shared_ptr<const void>& p) {
    return nb::handle(static_cast<PyObject*>(const_cast<void*>(p.get())));
  };
  op.eval = [held, handle, list = op.attrs](EvalContext& c) { return evaluate(c, handle(held), list); };
  if (nb::object f = d["infer"]; !f.is_none()) {
    const auto held_infer = hold(f);
    op.infer = [held_infer, handle, list = op.attrs](InferContext& c) { return infer(c, handle(held_infer), list); };
  }
  return op;
}

}  // namespace

void bind_custom_ops(nb::module_& m) {
  m.def("register_custom_op", [](const nb::dict& d) { check(register_op(custom_op_from(d))); });
  m.def("unregister_custom_op", [](nb::handle domain, nb::handle name) {
    const std::string d = text_of(domain), n = text_of(name);
    return unregister_op(d, n);
  });
}

}  // namespace anyrt::python
