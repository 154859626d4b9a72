"""Small models of one operator each: the node tests of the onnx package, and our own where it has none."""
import copy
import dataclasses
import warnings

import numpy as np
import onnx
from onnx import TensorProto, defs, helper

import onnx_values as ov


@dataclasses.dataclass
class Sample:
    op: str
    domain: str
    version: int                # of the operator's domain
    attributes: list            # AttributeProto
    inputs: list                # values; None for an omitted input (or an empty optional where a type stands)
    types: list                 # type strings; "" for an omitted input
    outputs: list               # True where the output is named
    name: str = ""
    shapes: bool = False        # the model gives the shapes of inputs

    def schema(self):
        return defs.get_schema(self.op, self.version, self.domain)

    def size(self):
        def elements(v):
            return sum(map(elements, v)) if isinstance(v, list) else len(v) if isinstance(v, dict) else np.size(v)
        return sum(elements(v) for v in self.inputs if v is not None)

    def clone(self, **changes):
        return dataclasses.replace(copy.copy(self), attributes=list(self.attributes), inputs=list(self.inputs),
                                   types=list(self.types), outputs=list(self.outputs), **changes)

    def attribute(self, name):
        return next((a for a in self.attributes if a.name == name), None)

    def set_attribute(self, name, value, kind=None):
        self.attributes = [a for a in self.attributes if a.name != name]
        if value is not None:
            self.attributes.append(helper.make_attribute(name, value, attr_type=kind))

    def model(self, opsets=None):
        node = onnx.NodeProto(op_type=self.op, domain=self.domain, name="node")
        captured = 1 if self.op == "If" else len(self.types)  # what follows is read by the branches
        node.input.extend(f"i{k}" if t else "" for k, t in enumerate(self.types[:captured]))
        node.output.extend(f"o{k}" if wanted else "" for k, wanted in enumerate(self.outputs))
        node.attribute.extend(self.attributes)
        graph = onnx.GraphProto(name="g")
        graph.node.append(node)
        for k, text in enumerate(self.types):
            if text:
                info = onnx.ValueInfoProto(name=f"i{k}", type=ov.type_proto(text))
                if self.shapes and isinstance(self.inputs[k], np.ndarray) and text.startswith("tensor"):
                    info.type.tensor_type.shape.dim.extend(
                        onnx.TensorShapeProto.Dimension(dim_value=d) for d in self.inputs[k].shape)
                graph.input.append(info)
        types = output_types(self)
        for k, wanted in enumerate(self.outputs):
            if wanted:
                info = onnx.ValueInfoProto(name=f"o{k}")
                if types[k]:
                    info.type.CopyFrom(ov.type_proto(types[k]))
                graph.output.append(info)
        out = onnx.ModelProto(graph=graph)
        imports = {self.domain: self.version, **(opsets or {})}
        if "" not in imports and any(a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in self.attributes):
            imports[""] = self.version
        out.opset_import.extend(helper.make_opsetid(d, v) for d, v in imports.items())
        out.ir_version = max(4, helper.find_min_ir_version_for(list(out.opset_import), ignore_unknown=True))
        if any(ov.split_type(t)[1] in NEW_IR for t in [*self.types, *types] if t):
            out.ir_version = max(out.ir_version, *(NEW_IR.get(ov.split_type(t)[1], 0) for t in [*self.types, *types] if t))
        return out


NEW_IR = {"float8e4m3fn": 9, "float8e4m3fnuz": 9, "float8e5m2": 9, "float8e5m2fnuz": 9, "int4": 10, "uint4": 10,
          "float4e2m1": 11, "float8e8m0": 12, "int2": 13, "uint2": 13}

# Attributes that name the element type of outputs, and the type variable they set.
TYPE_ATTRIBUTES = ("to", "dtype", "output_dtype", "output_datatype")


def formal(params, k):
    """Formal parameter of the k-th actual one."""
    if k < len(params):
        return params[k]
    return params[-1] if params and params[-1].option == defs.OpSchema.FormalParameterOption.Variadic else None


def bindings(sample):
    """Type variable -> type string, from the inputs."""
    schema = sample.schema()
    known = {c.type_param_str for c in schema.type_constraints}
    out = {}
    for k, text in enumerate(sample.types):
        p = formal(schema.inputs, k)
        if text and p and p.type_str in known:
            out.setdefault(p.type_str, text)
    return out


def output_types(sample):
    """Type strings of the outputs; "" where only inference could tell."""
    schema = sample.schema()
    bound = bindings(sample)
    known = {c.type_param_str: c for c in schema.type_constraints}
    named = next((a.i for n in TYPE_ATTRIBUTES if (a := sample.attribute(n)) and a.i), None)
    out = []
    for k in range(len(sample.outputs)):
        p = formal(schema.outputs, k)
        text = sample.outputs[k] if isinstance(sample.outputs[k], str) else ""
        if not text and p:
            if p.type_str not in known:
                text = p.type_str
            elif p.type_str in bound:
                text = bound[p.type_str]
            elif named:
                text = f"tensor({ov.NAME[named]})"
            elif len(known[p.type_str].allowed_type_strs) == 1:
                text = next(iter(known[p.type_str].allowed_type_strs))
        out.append(text)
    return out


def from_backend():
    """(domain, op) -> samples of the newest version, smallest first."""
    from onnx.backend.test.case.node import collect_testcases
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    out = {}
    for case in cases:
        model = case.model
        if model is None or len(model.graph.node) != 1 or model.functions:
            continue
        node = model.graph.node[0]
        given, _ = case.data_sets[0]
        infos = {i.name: (ov.type_text(i.type), v) for i, v in zip(model.graph.input, given)}
        version = next(o.version for o in model.opset_import if o.domain in (node.domain, "ai.onnx" if not node.domain else node.domain))
        try:
            sample = Sample(node.op_type, node.domain, version, list(node.attribute),
                            [_plain(infos[n][1]) if n else None for n in node.input],
                            [infos[n][0] if n else "" for n in node.input], [bool(n) for n in node.output], case.name)
        except KeyError:
            continue
        if any("sparse" in t for t in sample.types):
            continue
        # Types that the schema cannot tell from the inputs are taken from the test.
        declared = {o.name: ov.type_text(o.type) for o in model.graph.output}
        types = output_types(sample)
        for k, n in enumerate(node.output):
            if n and not types[k]:
                sample.outputs[k] = declared.get(n, True)
        sample.version = max(sample.version, sample.schema().since_version)
        out.setdefault((node.domain, node.op_type), []).append(sample)
    for samples in out.values():
        samples.sort(key=lambda s: (s.size() == 0, s.size()))
    return out


def _plain(value):
    if value is None or isinstance(value, dict):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, TensorProto):
        return onnx.numpy_helper.to_array(value)
    return np.asarray(value)


def make(op, inputs=(), types=(), outputs=1, domain="", version=None, **attributes):
    """A sample by hand; types default to those of the arrays; `outputs` is a number or a list of types."""
    version = version or (5 if domain == "ai.onnx.ml" else 26 if not domain else 1)
    values = [_plain(v) for v in inputs]
    texts = list(types) or ["" if v is None else f"seq(tensor({ov.element_name(v[0])}))" if isinstance(v, list)
                            else f"tensor({ov.element_name(v)})" for v in values]
    rows = [helper.make_attribute(k, v) for k, v in attributes.items() if v is not None]
    return Sample(op, domain, version, rows, values, texts, [True] * outputs if isinstance(outputs, int) else list(outputs))


def f32(*dims, start=0):
    n = int(np.prod(dims))
    return (((np.arange(n) * 7 + start * 5) % 11 - 5) / 4).astype(np.float32).reshape(dims)


def i64(*values):
    return np.array(values, dtype=np.int64)


def handwritten():
    ml = "ai.onnx.ml"
    x = f32(3, 4)
    row = [0.5, -1.0, 0.25, 2.0]
    samples = [
        make("SequenceLength", [[x, x]]), make("SequenceAt", [[x, x + 1], i64(1).reshape(())], outputs=["tensor(float)"]),
        make("SequenceConstruct", [x, x + 1], outputs=["seq(tensor(float))"]), make("SequenceErase", [[x, x + 1], i64(0).reshape(())]),
        make("ConcatFromSequence", [[x, x + 1]], outputs=["tensor(float)"], axis=0),
        make("SequenceEmpty", outputs=["seq(tensor(float))"], dtype=1),
        make("Optional", [x], outputs=["optional(tensor(float))"]),
        make("RandomNormal", outputs=["tensor(float)"], shape=[2, 3], seed=1.0),
        make("RandomUniform", outputs=["tensor(float)"], shape=[2, 3], seed=1.0),
        make("RandomNormalLike", [x], outputs=["tensor(float)"], dtype=1, seed=1.0),
        make("RandomUniformLike", [x], outputs=["tensor(float)"], dtype=1, seed=1.0),
        make("Multinomial", [x], outputs=["tensor(int32)"], sample_size=5, seed=1.0),
        make("MaxRoiPool", [f32(1, 2, 6, 6), np.array([[0, 0, 0, 4, 4], [0, 1, 1, 5, 3]], np.float32)], pooled_shape=[2, 2]),
        make("GlobalLpPool", [f32(1, 2, 4, 3)]),
        make("Normalizer", [x], domain=ml, norm="L2"), make("Scaler", [x], domain=ml, offset=row, scale=[2.0, 1.0, 0.5, 3.0]),
        make("Imputer", [x], domain=ml, imputed_value_floats=row, replaced_value_float=0.0),
        make("OneHotEncoder", [np.array([1, 2, 5], np.int64)], domain=ml, cats_int64s=[1, 2, 3]),
        make("LinearRegressor", [x], domain=ml, coefficients=row + row, intercepts=[1.0, 2.0], targets=2),
        make("LinearClassifier", [x], domain=ml, outputs=["tensor(int64)", "tensor(float)"], coefficients=row + row + row,
             intercepts=[1.0, 2.0, 0.0], classlabels_ints=[3, 5, 7], post_transform="SOFTMAX"),
        make("FeatureVectorizer", [x, x[:, :2]], domain=ml, inputdimensions=[4, 2]),
        make("CategoryMapper", [np.array(["a", "b", "z"], dtype=object)], domain=ml, outputs=["tensor(int64)"],
             cats_strings=["a", "b"], cats_int64s=[4, 9]),
        make("DictVectorizer", [{"a": 1.5, "c": 2.5}], ["map(string, float)"], domain=ml, outputs=["tensor(float)"],
             string_vocabulary=["a", "b", "c"]),
        make("CastMap", [{1: 2.5, 3: -1.0}], ["map(int64, float)"], domain=ml, outputs=["tensor(float)"], cast_to="TO_FLOAT"),
        make("ZipMap", [x], domain=ml, outputs=["seq(map(int64, float))"], classlabels_int64s=[1, 2, 3, 4]),
        make("SVMRegressor", [x], domain=ml, kernel_type="RBF", kernel_params=[0.5, 0.0, 3.0], n_supports=2, rho=[0.25],
             support_vectors=row + row[::-1], coefficients=[0.5, -0.75]),
        make("SVMClassifier", [x], domain=ml, outputs=["tensor(int64)", "tensor(float)"], kernel_type="LINEAR",
             kernel_params=[0.5, 0.0, 3.0], vectors_per_class=[1, 1], rho=[0.25], support_vectors=row + row[::-1],
             coefficients=[0.5, -0.75], classlabels_ints=[0, 1]),
        make("TreeEnsembleRegressor", [x], domain=ml, version=3, n_targets=1, nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2],
             nodes_featureids=[1, 0, 0], nodes_values=[0.25, 0.0, 0.0], nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
             nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0], target_treeids=[0, 0], target_nodeids=[1, 2],
             target_ids=[0, 0], target_weights=[1.5, -2.0]),
        make("TreeEnsembleClassifier", [x], domain=ml, version=3, outputs=["tensor(int64)", "tensor(float)"],
             nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[1, 0, 0], nodes_values=[0.25, 0.0, 0.0],
             nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
             class_treeids=[0, 0], class_nodeids=[1, 2], class_ids=[0, 2], class_weights=[1.0, 1.0],
             classlabels_int64s=[4, 6, 9], post_transform="NONE"),
        make("Upsample", [f32(1, 1, 2, 3), np.array([1, 1, 2, 3], np.float32)], version=9, mode="nearest"),
        make("Scatter", [f32(3, 3), np.array([[1, 0, 2]], np.int64), f32(1, 3, start=3)], version=9, axis=0),
        make("GroupNormalization", [f32(2, 4, 3), f32(2, start=1), f32(2, start=2)], version=18, num_groups=2),
    ]
    out = {}
    for s in samples:
        out.setdefault((s.domain, s.op), []).append(s)
    return out


def control_flow(text, version):
    """If, Loop and Scan that carry a value of this type."""
    def info(name, t):
        return onnx.ValueInfoProto(name=name, type=ov.type_proto(t))

    def graph(inputs, outputs, *nodes):
        return helper.make_graph(list(nodes), "body", inputs, outputs)

    kinds, leaf = ov.split_type(text)
    value = ov.convert_value(f32(2, 3), text)
    same = helper.make_node("Identity", ["v"], ["w"])
    outer = [helper.make_node("Identity", ["i1"], [n]) for n in ("t", "e")]
    out = []
    branch = make("If", [np.array(True), value], ["tensor(bool)", text], outputs=[text], version=version,
                  then_branch=graph([], [info("t", text)], outer[0]), else_branch=graph([], [info("e", text)], outer[1]))
    out.append(branch)
    body = graph([info("n", "tensor(int64)"), info("c", "tensor(bool)"), info("v", text)],
                 [info("k", "tensor(bool)"), info("w", text)],
                 helper.make_node("Identity", ["c"], ["k"]), same)
    out.append(make("Loop", [np.array(3, np.int64), np.array(True), value], ["tensor(int64)", "tensor(bool)", text],
                    outputs=[text], version=version, body=body))
    if kinds == ["tensor"]:
        body = graph([info("s", text), info("v", text)], [info("r", text), info("w", text)],
                     helper.make_node("Identity", ["s"], ["r"]), same)
        out.append(make("Scan", [value[0], value], [text, text], outputs=[text, text], version=version, body=body,
                        num_scan_inputs=1))
    return out


def sequence_map(text, version):
    """SequenceMap over a sequence, with a tensor or a second sequence of the same type beside it."""
    leaf = ov.split_type(text)[1]
    tensor = f"tensor({leaf})"
    info = [onnx.ValueInfoProto(name=n, type=ov.type_proto(tensor)) for n in ("a", "b", "y", "z")]
    nodes = [helper.make_node("Identity", ["a"], ["y"]), helper.make_node("Identity", ["b"], ["z"])]
    body = helper.make_graph(nodes, "body", info[:2], info[2:])
    sequence = ov.convert_value([f32(2, 3), f32(1, 3)], f"seq({tensor})")
    beside = sequence if text.startswith("seq") else sequence[0]
    return make("SequenceMap", [sequence, beside], [f"seq({tensor})", text], outputs=[f"seq({tensor})"] * 2, version=version,
                body=body)
