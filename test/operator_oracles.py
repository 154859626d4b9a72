"""Runs one-operator models with anyrt, onnxruntime and onnx.reference and judges the results."""
import glob
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import warnings

import numpy as np
import onnx
import onnxruntime as ort

import onnx_values as ov
import operator_samples as samples_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
RANDOM = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial"}
ort.set_default_logger_severity(4)


def command():
    if "ANYRT" in os.environ:
        return os.environ["ANYRT"]
    built = sorted((p for p in glob.glob(str(ROOT / "build/*/anyrt")) if os.access(p, os.X_OK)), key=os.path.getmtime)
    if not built:
        raise unittest.SkipTest("the command anyrt is not built")
    return built[-1]


def run_anyrt(model, values, types, keep=None):
    """Outputs, or the error as text."""
    folder = pathlib.Path(keep or tempfile.mkdtemp(prefix="anyrt-op-"))
    try:
        folder.mkdir(exist_ok=True, parents=True)
        (folder / "in").mkdir(exist_ok=True)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        k = 0
        for value, text in zip(values, types):
            if text:
                (folder / "in" / f"input_{k}.pb").write_bytes(ov.message(value, text, f"i{k}").SerializeToString())
                k += 1
        args = [command(), "run", str(folder / "model.onnx"), "-o", str(folder / "out") + "/", "--threads", "1"]
        done = subprocess.run(args + (["-i", str(folder / "in")] if k else []), capture_output=True, text=True, timeout=120,
                              errors="replace")
        if done.returncode != 0:
            return (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[0]
        files = sorted((folder / "out").glob("*.pb"), key=lambda p: int(p.stem.split("_")[-1]))
        return [ov.read_value(f, info.type) for f, info in zip(files, model.graph.output, strict=True)]
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


PLAIN = {"float", "double", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "string"}


def run_ort(model, values, types):
    leaves = [ov.split_type(ov.type_text(i.type))[1] for i in [*model.graph.input, *model.graph.output]]
    if not all(n in PLAIN or n.startswith("map") for n in leaves):
        return None
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return list(session.run(None, {f"i{k}": v for k, (v, t) in enumerate(zip(values, types)) if t}))
    except Exception:  # noqa: BLE001 - whatever it says, it is no oracle for this model
        return None


def run_reference(model, values, types):
    from onnx.reference import ReferenceEvaluator
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            feeds = {f"i{k}": v for k, (v, t) in enumerate(zip(values, types)) if t}
            return [list(o) if isinstance(o, (list, tuple)) else o for o in ReferenceEvaluator(model).run(None, feeds)]
    except Exception:  # noqa: BLE001
        return None


def run_wide(sample):
    """The same computation in float32 or int64, converted to the types of the model."""
    if sample.op in ("Cast", "CastLike", "BitCast"):
        return None
    wide = sample.clone()
    for k, text in enumerate(sample.types):
        kinds, leaf = ov.split_type(text) if text else ([], "")
        if not text or "map" in leaf or leaf in ("string", "bool", "int64", "float"):
            continue
        formal = samples_of.formal(sample.schema().inputs, k)
        rule = next((c for c in sample.schema().type_constraints if c.type_param_str == formal.type_str), None)
        if rule is None:
            continue
        for to in (("float",) if leaf in ov.FLOATS or leaf.startswith("complex") else ("int64", "int32", "float")):
            new = text.replace(f"({leaf})", f"({to})")
            if new in rule.allowed_type_strs:
                wide.types[k], wide.inputs[k] = new, ov.convert_value(sample.inputs[k], new)
                break
    if wide.types == sample.types:
        return None
    for name in samples_of.TYPE_ATTRIBUTES:
        if (a := wide.attribute(name)) and ov.NAME.get(a.i) in ov.SMALL_FLOATS | {"bfloat16"}:
            wide.set_attribute(name, onnx.TensorProto.FLOAT)
    try:
        model = wide.model()
    except Exception:  # noqa: BLE001
        return None
    out = run_ort(model, wide.inputs, wide.types) or run_reference(model, wide.inputs, wide.types)
    if out is None:
        return None
    texts = [t for t, wanted in zip(samples_of.output_types(sample), sample.outputs) if wanted]
    try:
        return [ov.convert_value(v, t) if t else v for v, t in zip(out, texts)]
    except (TypeError, ValueError):
        return None


def judge(sample, model=None, keep=None):
    """(verdict, text): 'ort', 'reference', 'wide' = agrees with that; 'ran' = no oracle; 'fails', 'differs'."""
    model = model or sample.model()
    found = run_anyrt(model, sample.inputs, sample.types, keep)
    if isinstance(found, str):
        return "fails", found
    texts = [ov.type_text(i.type) for i in model.graph.output]
    first = None
    for name, oracle in (("ort", lambda: run_ort(model, sample.inputs, sample.types)),
                         ("input", lambda: [sample.inputs[0]] if sample.op == "Optional" else None),
                         ("reference", lambda: run_reference(model, sample.inputs, sample.types)),
                         ("wide", lambda: run_wide(sample))):
        expected = oracle()
        if expected is None or len(expected) != len(found):
            continue
        try:
            bad = next((f"output {k}: {d}" for k, (f, e) in enumerate(zip(found, expected))
                        if (d := compare(sample, f, e, texts[k], 2.0 if name == "wide" else 1.0))), "")
        except (ValueError, TypeError, AttributeError) as e:
            bad = f"cannot be compared: {e}"
        if not bad:
            return name, ""
        first = first or (name, bad)
    return ("differs", f"{first[0]}: {first[1]}") if first else ("ran", "")


def compare(sample, found, expected, text, loose):
    if sample.op in RANDOM or (sample.op == "Dropout" and len(sample.inputs) == 3):
        return "" if np.shape(found) == np.shape(expected) else f"shape {np.shape(found)} instead of {np.shape(expected)}"
    if not isinstance(expected, (list, dict)) and expected is not None and text.startswith("tensor"):
        expected = np.asarray(expected)
        name = ov.split_type(text)[1]
        if expected.dtype != np.asarray(found).dtype and name not in ("string",):
            expected = expected.astype(ov.NUMPY[name])
    return ov.difference(found, expected, loose)
