#!/usr/bin/env python3
"""Every element type that the ONNX specification allows for an operator runs, and agrees with onnxruntime or onnx.reference.

For each operator of ai.onnx and ai.onnx.ml the smallest samples are run once for each type variable and each type it may be.
usage: operator_types_test.py [--report FILE] [OP...]; needs the packages of scripts/requirements-test.txt."""
import collections
import concurrent.futures
import os
import sys
import unittest

import numpy as np
from onnx import TensorProto, numpy_helper

import onnx_values as ov
import operator_oracles as oracles
import operator_samples as of

# (operator, type variable, element types or None for any): why a failure or a difference is right.
KNOWN = [
    ("Attention", "U", {n for n in ov.TYPES if "int" in n}, "masks that are not boolean are added; onnxruntime does otherwise"),
    ("Col2Im", "T", {"string"}, "strings that meet have no sum"),
    ("GridSample", "T1", {"string"}, "interpolation needs numbers"),
    ("GridSample", "T1", {n for n in ov.TYPES if "int" in n}, "integers are rounded, as in Resize; the reference truncates"),
    ("CenterCropPad", "T", {"string"}, "padding is an empty string, the reference writes 0"),
    ("LinearRegressor", "T", None, "the reference truncates coefficients to integers"),
    ("SVMRegressor", "T", None, "the reference truncates coefficients to integers"),
    ("TreeEnsembleRegressor", "T", None, "the reference truncates the output to integers"),
    ("ReduceMax", "T", {"bool"}, "the largest of nothing is false"),
]


def known(sample):
    variable, _, text = sample.name.partition(": ")[2].partition("=")
    leaf = ov.split_type(text)[1]
    return any(sample.op == op and variable == v and (leaves is None or leaf in leaves) for op, v, leaves, _ in KNOWN)


def no_zero(sample, k):
    value = sample.inputs[k]
    sample.inputs[k] = np.where(value == 0, np.ones_like(value), value)


def with_type(sample, variable, text):
    """The sample with a type variable bound to another type, or None where the kinds of values do not fit."""
    out = sample.clone(name=f"{sample.op}-{sample.version}: {variable}={text}")
    schema = sample.schema()
    for k, old in enumerate(sample.types):
        p = of.formal(schema.inputs, k)
        if old and p and p.type_str == variable:
            out.types[k] = text
            try:
                out.inputs[k] = ov.convert_value(sample.inputs[k], text)
            except TypeError:
                return None
    if out.op in ("Div", "Mod") and "tensor" in text and ov.split_type(text)[1] != "string":
        no_zero(out, 1)
    if out.op == "Mod" and ov.split_type(text)[1] in ov.FLOATS:
        out.set_attribute("fmod", 1)
    leaf = ov.split_type(text)[1]
    if out.op in ("SequenceInsert", "SequenceConstruct", "SequenceAt", "SequenceMap"):  # the element type of S is that of T
        for k, old in enumerate(out.types):
            p = of.formal(schema.inputs, k)
            if old and p and p.type_str in ("S", "T") and out.types[k] != text:
                out.types[k] = old.replace(f"({ov.split_type(old)[1]})", f"({leaf})")
                out.inputs[k] = ov.convert_value(sample.inputs[k], out.types[k])
    if out.op in ("SequenceAt", "ConcatFromSequence") and variable == "S":
        out.outputs = [f"tensor({leaf})"]
    if out.op == "SequenceConstruct":
        out.outputs = [f"seq(tensor({leaf}))"]
    if out.op == "Optional":
        out.outputs = [f"optional({text})"]
    if out.op == "BitCast":
        out.set_attribute("to", ov.NUMBER[SAME_WIDTH.get(leaf, leaf)])
        out.outputs = [f"tensor({SAME_WIDTH.get(leaf, leaf)})"]
    if out.op in ("QuantizeLinear", "DequantizeLinear", "QLinearMatMul") and leaf in ov.SMALL_FLOATS:
        for k, p in enumerate(schema.inputs):  # zero points of such types must be zero
            if p.name.endswith("zero_point") and k < len(out.types) and out.types[k] == text:
                out.inputs[k] = np.zeros_like(out.inputs[k])
        if out.op == "DequantizeLinear" and leaf == "float8e8m0":
            out.set_attribute("output_dtype", TensorProto.FLOAT)
            out.outputs = ["tensor(float)"]
    if out.op == "SequenceMap":  # the body takes the types of what it is given
        out = of.sequence_map(text, out.version)
        out.name = f"SequenceMap-{out.version}: {variable}={text}"
    if out.op == "TfIdfVectorizer" and leaf == "string":
        out.set_attribute("pool_strings", [str(i) for i in out.attribute("pool_int64s").ints])
        out.set_attribute("pool_int64s", None)
    if schema.domain == "ai.onnx.ml" and not ml_attributes(out, leaf):
        return None
    return out


SAME_WIDTH = {"int8": "uint8", "uint8": "int8", "float8e4m3fn": "uint8", "float8e5m2": "int8", "bool": "uint8", "int16": "float16",
              "float16": "uint16", "bfloat16": "int16", "uint16": "bfloat16", "int32": "float", "float": "uint32",
              "uint32": "int32", "int64": "double", "double": "complex64", "complex64": "uint64", "uint64": "int64",
              "float8e4m3fnuz": "float8e8m0", "float8e5m2fnuz": "float8e5m2", "float8e8m0": "float8e4m3fn",
              "int4": "float4e2m1", "float4e2m1": "uint4", "uint4": "int4", "int2": "uint2", "uint2": "int2"}


def ml_attributes(sample, leaf):
    """Attributes that hold values of the input's type take that type too; false where the sample cannot."""
    whole = leaf in ("int32", "int64", "int16")
    if sample.op == "Imputer" and whole:
        sample.set_attribute("imputed_value_floats", None)
        sample.set_attribute("replaced_value_float", None)
        sample.set_attribute("imputed_value_int64s", [5, 6, 7, 8])
        sample.set_attribute("replaced_value_int64", 0)
    if sample.op == "OneHotEncoder" and leaf == "string":
        sample.set_attribute("cats_int64s", None)
        sample.set_attribute("cats_strings", ["1", "2", "3"])
    if sample.op == "TreeEnsemble":
        for name in ("nodes_splits", "leaf_weights", "membership_values"):
            if (a := sample.attribute(name)) is not None:
                sample.set_attribute(name, ov.tensor_message(ov.convert(numpy_helper.to_array(a.t), leaf), name))
    if sample.op == "LabelEncoder" and leaf != "string":
        have = {a.name for a in sample.attributes}
        keys = next((n for n in have if n.startswith("keys_")), None)
        if keys is None:
            return False
        if keys == "keys_strings":
            values = len(sample.attribute(keys).strings)
        elif keys == "keys_tensor":
            values = sample.attribute(keys).t.dims[0]
        else:
            return leaf in keys
        sample.set_attribute(keys, None)
        sample.set_attribute("keys_tensor", ov.tensor_message(ov.convert(np.arange(values, dtype=np.int64), leaf), "keys"))
    return True


def attribute_variants(sample, variable, texts):
    """For variables that only an attribute sets: Cast's `to`, `dtype`, the type of Constant's value."""
    name = next((n for n in of.TYPE_ATTRIBUTES if n in sample.schema().attributes), None)
    for text in texts:
        kinds, leaf = ov.split_type(text)
        out = sample.clone(name=f"{sample.op}-{sample.version}: {variable}={text}")
        if sample.op in ("Constant", "ConstantOfShape"):
            value = ov.tensor_message(ov.convert(np.array([2], np.float32), leaf))
            for a in list(out.attributes):
                out.set_attribute(a.name, None)
            out.set_attribute("value", value)
            out.outputs = [text]
        elif sample.op == "Optional":
            continue
        elif name and sample.op != "BitCast":
            out.set_attribute(name, ov.NUMBER[leaf])
            out.outputs = [text if isinstance(o, str) else o for o in out.outputs]
        else:
            continue
        yield out


def variants(samples, per_op=2):
    """All type variants of the smallest samples of an operator."""
    newest = max(s.schema().since_version for s in samples)
    samples = [s for s in samples if s.schema().since_version == newest]
    first = samples[0]
    schema = first.schema()
    for rule in schema.type_constraints:
        variable = rule.type_param_str
        texts = sorted(rule.allowed_type_strs)
        bound = [s for s in samples if variable in of.bindings(s)]
        if not bound:
            if any(p.type_str == variable for p in schema.outputs):
                yield from attribute_variants(first, variable, texts)
            continue
        for text in texts:
            kinds = ov.split_type(text)[0]
            # A sample of the same kind of value is better than one that must be made up.
            fitting = [s for s in bound if ov.split_type(of.bindings(s)[variable])[0] == kinds] or bound
            for sample in fitting[:per_op]:
                out = with_type(sample, variable, text)
                if out is not None:
                    yield out


def all_samples():
    out = of.from_backend()
    for key, rows in of.handwritten().items():
        out.setdefault(key, rows)
    return out


def work(only=()):
    for (domain, op), rows in sorted(all_samples().items()):
        if domain not in ("", "ai.onnx.ml") or (only and op not in only):
            continue
        if op in ("If", "Loop", "Scan"):
            rule = next(c for c in rows[0].schema().type_constraints if c.type_param_str == "V")
            for text in sorted(rule.allowed_type_strs):
                for s in of.control_flow(text, rows[0].version):
                    if s.op == op:
                        s.name = f"{op}: V={text}"
                        yield s
            continue
        yield from variants(rows)


def judged(samples):
    def one(sample):
        try:
            verdict, text = oracles.judge(sample)
        except Exception as e:  # noqa: BLE001 - a sample that cannot be made is shown, not hidden
            verdict, text = "broken", f"{type(e).__name__}: {e}"
        return sample, verdict, " ".join(text.split())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        yield from pool.map(one, samples)


class OperatorTypes(unittest.TestCase):
    def test_every_type(self):
        bad, seen = [], collections.Counter()
        for sample, verdict, text in judged(work()):
            seen[verdict] += 1
            if verdict in ("fails", "differs", "broken") and not known(sample):
                bad.append(f"{sample.name}: {verdict}: {text}")
        print(dict(seen))
        self.assertGreater(sum(seen.values()), 2000)
        self.assertEqual(bad, [], "\n".join(bad))


if __name__ == "__main__":
    if "--report" in sys.argv:
        at = sys.argv.index("--report")
        seen = collections.Counter()
        with open(sys.argv[at + 1], "w") as out:
            for sample, verdict, text in judged(work(sys.argv[at + 2:])):
                seen[verdict] += 1
                print("known" if verdict in ("fails", "differs") and known(sample) else verdict, sample.name, text, sep="\t", file=out, flush=True)
        print(dict(seen))
    else:
        unittest.main()
