#!/usr/bin/env python3
"""Every version of every operator since opset 1 loads and runs, and agrees with onnxruntime or onnx.reference where they run it.

Samples of the newest version are turned into older ones by what the schemas say: inputs become attributes of the same name,
what an old form does not know is left out. Forms that this does not reach are written by hand below.
usage: operator_history_test.py [--all-types] [--report FILE] [OP...]; needs the packages of scripts/requirements-test.txt."""
import collections
import sys
import unittest

import numpy as np
import onnx
from onnx import AttributeProto, defs, helper

import onnx_values as ov
import operator_samples as of
import operator_types_test as types_test

Option = defs.OpSchema.FormalParameterOption

def attribute_value(schema, name, array):
    """An input's value as the attribute that an older form has instead."""
    kind = schema.attributes[name].type
    array = np.asarray(array)
    if kind == defs.OpSchema.AttrType.INTS:
        return [int(v) for v in array.reshape(-1)]
    if kind == defs.OpSchema.AttrType.FLOATS:
        return [float(v) for v in array.reshape(-1)]
    if kind == defs.OpSchema.AttrType.INT:
        return int(array.reshape(-1)[0])
    if kind == defs.OpSchema.AttrType.FLOAT:
        return float(array.reshape(-1)[0])
    return None


def set_from_input(sample, schema, name, array):
    value = attribute_value(schema, name, array)
    kind = AttributeProto.INTS if isinstance(value, list) and np.asarray(array).dtype.kind in "iu" else None
    sample.set_attribute(name, value, kind)


# Attributes of old forms that stand for inputs of another name.
RENAMED = {("Pad", "pads"): "paddings", ("Pad", "constant_value"): "value", ("TopK", "K"): "k", ("Upsample", "scales"): "scales"}


def older(sample, schema):
    """The sample in the form of an older schema, or None."""
    newest = sample.schema()
    if schema.since_version >= newest.since_version:
        return sample.clone(version=schema.since_version)
    out = of.Sample(sample.op, sample.domain, schema.since_version, [], [], [], list(sample.outputs), "")
    formal_names = [p.name for p in schema.inputs]
    variadic = bool(schema.inputs) and schema.inputs[-1].option == Option.Variadic
    for k, text in enumerate(sample.types):
        name = of.formal(newest.inputs, k).name
        old = RENAMED.get((sample.op, name), name)
        if k >= len(formal_names) and not variadic:
            if text and old in schema.attributes:
                set_from_input(out, schema, old, sample.inputs[k])
            elif text and name in schema.attributes:
                set_from_input(out, schema, name, sample.inputs[k])
            elif text:
                return None
            continue
        if text and k < len(formal_names) and old in schema.attributes and formal_names[k].lower() != name.lower():
            set_from_input(out, schema, old, sample.inputs[k])
            continue
        out.inputs.append(sample.inputs[k])
        out.types.append(text)
    while out.types and not out.types[-1]:
        out.types.pop()
        out.inputs.pop()
    for a in sample.attributes:
        if a.name in schema.attributes and out.attribute(a.name) is None:
            wanted = schema.attributes[a.name].type
            if int(wanted.value if hasattr(wanted, "value") else wanted) == a.type:
                out.attributes.append(a)
    dropped = {a.name for a in sample.attributes} - set(schema.attributes)
    if dropped & {"axes", "allowzero", "count_include_pad"}:
        return None
    out.outputs = out.outputs[:len(schema.outputs)] if schema.outputs and schema.outputs[-1].option != Option.Variadic else out.outputs
    while out.outputs and not out.outputs[-1]:
        out.outputs.pop()
    for name, a in schema.attributes.items():
        if a.required and out.attribute(name) is None:
            return None
    required = sum(p.option == Option.Single for p in schema.inputs)
    if sum(bool(t) for t in out.types) < required:
        return None
    out.name = f"{out.op}-{out.version}"
    return fit_types(out)


def fit_types(sample):
    """Binds type variables to types that the schema of the sample allows."""
    schema = sample.schema()
    for rule in schema.type_constraints:
        bound = of.bindings(sample).get(rule.type_param_str)
        if bound and bound not in rule.allowed_type_strs:
            kinds = ov.split_type(bound)[0]
            wish = ("tensor(float)", "tensor(int64)", "tensor(int32)", "tensor(bool)", "tensor(string)", "tensor(uint8)")
            choice = next((t for t in wish if t in rule.allowed_type_strs and kinds == ["tensor"]), None)
            if choice is None:
                return None
            sample = types_test.with_type(sample, rule.type_param_str, choice)
            if sample is None:
                return None
    sample.name = f"{sample.op}-{sample.version}"
    return sample


def handwritten(op, version):
    """Forms whose inputs and attributes are unlike those of any newer one."""
    f32, i64, make = of.f32, of.i64, of.make
    x = f32(2, 3, 4, 4)
    c = 3
    one = [f32(c, start=k) for k in range(1, 4)] + [np.abs(f32(c, start=4)) + 0.5]
    x1 = f32(2, 3)
    lists = {
        ("Add", 1): lambda: make(op, [x, f32(3)], version=version, broadcast=1, axis=1),
        ("Tile", 1): lambda: make(op, [x1, np.array([2], np.float32), np.array([1], np.float32)], version=version),
        ("Cast", 1): lambda: make(op, [x1], outputs=["tensor(int32)"], version=version, to="INT32"),
        ("Cast", 6): lambda: make(op, [x1], outputs=["tensor(int32)"], version=version, to=6),
        ("BatchNormalization", 1): lambda: make(op, [x, *one], version=version, consumed_inputs=[0, 0, 0, 1, 1], is_test=1),
        ("BatchNormalization", 6): lambda: make(op, [x, *one], version=version, is_test=1),
        ("BatchNormalization", 7): lambda: make(op, [x, *one], version=version),
        ("Upsample", 1): lambda: make(op, [f32(1, 1, 2, 3)], version=version, width_scale=2.0, height_scale=3.0),
        ("Upsample", 7): lambda: make(op, [f32(1, 1, 2, 3)], version=version, scales=[1.0, 1.0, 2.0, 3.0]),
        ("Resize", 10): lambda: make(op, [f32(1, 1, 2, 3), np.array([1, 1, 2, 2], np.float32)], version=version, mode="linear"),
        ("Resize", 11): lambda: make(op, [f32(1, 1, 2, 3), np.zeros(0, np.float32), np.array([1, 1, 2, 2], np.float32)], version=version,
                                     mode="linear"),
        ("MeanVarianceNormalization", 9): lambda: make(op, [x], version=version),
        ("MeanVarianceNormalization", 13): lambda: make(op, [x], version=version),
        ("PRelu", 1): lambda: make(op, [x, f32(3)], version=version),
        ("PRelu", 6): lambda: make(op, [x, f32(3)], version=version),
        ("Pad", 1): lambda: make(op, [x1], version=version, paddings=[0, 1, 1, 0], value=2.0),
        ("Slice", 1): lambda: make(op, [x], version=version, axes=[1, 2], starts=[1, 0], ends=[3, -1]),
        ("Split", 1): lambda: make(op, [f32(4, 2), i64(1, 3).astype(np.float32)], version=version, outputs=2, axis=0),
        ("Concat", 1): lambda: make(op, [x1, x1], version=version, axis=0),
        ("Reshape", 1): lambda: make(op, [x1], version=version, shape=[3, 2]),
        ("ReduceSum", 1): lambda: make(op, [x], version=version, axes=[1], keepdims=0),
        ("Unsqueeze", 1): lambda: make(op, [x1], version=version, axes=[0]),
        ("Squeeze", 1): lambda: make(op, [f32(1, 3, 1)], version=version, axes=[0]),
        ("TopK", 1): lambda: make(op, [f32(3, 5)], version=version, outputs=["tensor(float)", "tensor(int64)"], k=2),
        ("Dropout", 1): lambda: make(op, [x1], version=version, is_test=1, ratio=0.5),
        ("MaxPool", 1): lambda: make(op, [x], version=version, kernel_shape=[2, 2], auto_pad="SAME_UPPER"),
        ("GlobalLpPool", 1): lambda: make(op, [x], version=version, p=2.0),
        ("LpPool", 1): lambda: make(op, [x], version=version, kernel_shape=[2, 2], p=2.0),
        ("LpPool", 2): lambda: make(op, [x], version=version, kernel_shape=[2, 2], p=2),
        ("RNN", 1): lambda: make(op, [f32(2, 1, 3), f32(1, 4, 3, start=1), f32(1, 4, 4, start=2)], version=version, hidden_size=4,
                                 output_sequence=1),
        ("GRU", 1): lambda: make(op, [f32(2, 1, 3), f32(1, 12, 3, start=1), f32(1, 12, 4, start=2)], version=version, hidden_size=4,
                                 output_sequence=1),
        ("LSTM", 1): lambda: make(op, [f32(2, 1, 3), f32(1, 16, 3, start=1), f32(1, 16, 4, start=2)], version=version, hidden_size=4,
                                  output_sequence=1),
        ("GroupNormalization", 18): lambda: make(op, [f32(2, 4, 3), f32(2, start=1), f32(2, start=2)], version=version, num_groups=2),
        ("Scatter", 9): lambda: make(op, [f32(3, 3), np.array([[1, 0, 2]], np.int64), f32(1, 3, start=3)], version=version, axis=0),
        ("Scatter", 11): lambda: make(op, [f32(3, 3), np.array([[1, 0, 2]], np.int64), f32(1, 3, start=3)], version=version, axis=0),
        ("Constant", 1): lambda: make(op, outputs=["tensor(float)"], version=version, value=ov.tensor_message(x1)),
        ("RandomNormal", 1): lambda: make(op, outputs=["tensor(float)"], version=version, shape=[2, 3], dtype=1),
        ("DynamicQuantizeLinear", 11): lambda: make(op, [x1], version=version, outputs=["tensor(uint8)", "tensor(float)", "tensor(uint8)"]),
        ("LabelEncoder", 1): lambda: make(op, [np.array(["a", "b"], object)], domain="ai.onnx.ml", version=version,
                                          outputs=["tensor(int64)"], classes_strings=["b", "a"]),
        ("LabelEncoder", 2): lambda: make(op, [np.array(["a", "b"], object)], domain="ai.onnx.ml", version=version,
                                          outputs=["tensor(int64)"], keys_strings=["b", "a"], values_int64s=[4, 5]),
        ("Gradient", 1): lambda: None,
    }
    made = lists.get((op, version))
    return made and made()


def scan_8():
    """Scan of opset 8 has a batch axis and an optional list of sequence lengths."""
    def info(name):
        return onnx.ValueInfoProto(name=name, type=ov.type_proto("tensor(float)"))

    body = helper.make_graph([helper.make_node("Add", ["s", "v"], ["r"]), helper.make_node("Identity", ["r"], ["w"])],
                             "body", [info("s"), info("v")], [info("r"), info("w")])
    return of.make("Scan", [None, of.f32(2, 3), of.f32(2, 4, 3)], ["", "tensor(float)", "tensor(float)"],
                   outputs=["tensor(float)", "tensor(float)"], version=8, body=body, num_scan_inputs=1)


def work(only=(), all_types=False):
    samples = types_test.all_samples()
    for key, rows in of.handwritten().items():  # older forms that the onnx package has no test for
        samples.setdefault(key, []).extend(r for r in rows if all(r is not s for s in samples[key]))
    history = sorted(defs.get_all_schemas_with_history(), key=lambda s: (s.domain, s.name, s.since_version))
    for schema in history:
        domain, op, version = schema.domain, schema.name, schema.since_version
        if (only and op not in only) or domain not in ("", "ai.onnx.ml"):
            continue
        if schema.deprecated:
            continue
        made = []
        if op in ("If", "Loop", "Scan"):
            made = [scan_8()] if (op, version) == ("Scan", 8) else [s for s in of.control_flow("tensor(float)", version) if s.op == op]
        elif op == "SequenceMap":
            made = [of.sequence_map("seq(tensor(float))", version)]
        elif (hand := handwritten(op, version)) is not None:
            made = [hand]
        else:
            for sample in samples.get((domain, op), []):
                try:
                    form = older(sample, schema)
                except (KeyError, defs.SchemaError):
                    form = None
                if form is not None:
                    form.shapes = True
                if form is not None and valid(form):
                    made.append(form)
                if len(made) == 2:
                    break
        if not made:
            yield of.Sample(op, domain, version, [], [], [], [], f"{op}-{version}: no sample")
        for sample in made:
            sample.name = f"{op}-{version}"
            sample.shapes = True
            yield sample
            if all_types:
                yield from types_test.variants([sample], per_op=1)


def valid(sample):
    try:
        model = sample.model()
        context = onnx.checker.C.CheckerContext()
        context.ir_version = model.ir_version
        context.opset_imports = {o.domain: o.version for o in model.opset_import}
        onnx.checker.check_node(model.graph.node[0], context)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
        return True
    except Exception:  # noqa: BLE001 - the form is not valid, another sample may be
        return False


class OperatorHistory(unittest.TestCase):
    def test_every_version(self):
        bad, seen = [], collections.Counter()
        for sample, verdict, text in types_test.judged(work()):
            verdict = "broken" if not sample.outputs else verdict
            seen[verdict] += 1
            if verdict in ("fails", "differs", "broken"):
                bad.append(f"{sample.name}: {verdict}: {text}")
        print(dict(seen))
        self.assertGreater(sum(seen.values()), 600)
        self.assertEqual(bad, [], "\n".join(bad))


if __name__ == "__main__":
    if "--report" in sys.argv:
        every = "--all-types" in sys.argv
        args = [a for a in sys.argv[1:] if a != "--all-types"]
        seen = collections.Counter()
        with open(args[args.index("--report") + 1], "w") as out:
            for sample, verdict, text in types_test.judged(work(args[args.index("--report") + 2:], every)):
                verdict = "nosample" if not sample.outputs else verdict
                seen[verdict] += 1
                print("known" if verdict in ("fails", "differs") and types_test.known(sample) else verdict, sample.name, text,
                      sep="\t", file=out, flush=True)
        print(dict(seen))
    else:
        unittest.main()
