#!/usr/bin/env python3
"""Models that anyrt writes pass onnx.checker and give onnxruntime the same outputs as the originals.

Needs the packages of scripts/requirements-test.txt and the command anyrt (newest build/*/anyrt, or ANYRT)."""
import glob
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(os.environ.get("ANYRT_SHARED", ROOT.parent / "shared"))
FLOAT, INT64, BOOL = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, onnx.TensorProto.BOOL


def command():
    if "ANYRT" in os.environ:
        return os.environ["ANYRT"]
    built = sorted(glob.glob(str(ROOT / "build/*/anyrt")), key=os.path.getmtime)
    if not built:
        raise unittest.SkipTest("the command anyrt is not built")
    return built[-1]


def session(path):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 2
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


KINDS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16, "tensor(int64)": np.int64,
         "tensor(int32)": np.int32, "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(bool)": np.bool_}


def feeds(inputs, seed=0):
    rng = np.random.default_rng(seed)
    out = {}
    for i in inputs:
        shape = [d if isinstance(d, int) and d > 0 else 2 for d in i.shape]
        kind = KINDS[i.type]
        if np.issubdtype(kind, np.floating):
            out[i.name] = rng.standard_normal(shape).astype(kind)
        else:
            out[i.name] = rng.integers(0, 2, shape).astype(kind)
    return out


def value(name, dtype=FLOAT, shape=(2, 3)):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs, outputs, initializers=(), opset=20, functions=(), ir_version=10):
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializer=initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("f", 1)],
                             functions=functions, ir_version=ir_version)


def const(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


class WriterTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def convert(self, source, *options):
        target = self.dir / "written.onnx"
        done = subprocess.run([command(), "convert-opset", str(source), str(target), "--force", *options],
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        onnx.checker.check_model(str(target), full_check=True)
        return target

    def same_outputs(self, source, target, rtol=1e-4, atol=1e-5):
        a, b = session(source), session(target)
        names = lambda values: [v.name for v in values]
        self.assertEqual(names(a.get_inputs()), names(b.get_inputs()))
        self.assertEqual(names(a.get_outputs()), names(b.get_outputs()))
        feed = feeds(a.get_inputs())
        for x, y in zip(a.run(None, feed), b.run(None, feed)):
            self.assertEqual(x.dtype, y.dtype)
            np.testing.assert_allclose(x, y, rtol=rtol, atol=atol)

    def check(self, message, *options):
        source = self.dir / "source.onnx"
        onnx.save(message, str(source))
        target = self.convert(source, *options)
        self.same_outputs(source, target)
        return onnx.load(str(target), load_external_data=False)

    def test_nested_subgraphs_read_outer_values(self):
        inner = helper.make_graph([helper.make_node("Add", ["x", "h"], ["i"])], "inner", [], [value("i")])
        then = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["h"]),
                                  helper.make_node("If", ["c"], ["t"], then_branch=inner, else_branch=inner)],
                                 "then", [], [value("t")])
        other = helper.make_graph([helper.make_node("Neg", ["x"], ["e"])], "else", [], [value("e")])
        self.check(model([helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)],
                         [value("c", BOOL, []), value("x")], [value("y")], [const("w", np.float32(3))]))

    def test_loop(self):
        body = helper.make_graph([helper.make_node("Add", ["a", "x"], ["b"]), helper.make_node("Identity", ["k"], ["k2"])], "body",
                                 [value("n", INT64, []), value("k", BOOL, []), value("a")], [value("k2", BOOL, []), value("b")])
        self.check(model([helper.make_node("Loop", ["m", "", "x"], ["y"], body=body)],
                         [value("x")], [value("y")], [const("m", np.int64(3))]))

    def test_functions_are_inlined(self):
        leaky = helper.make_node("LeakyRelu", ["a"], ["b"])
        leaky.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
        leaf = helper.make_function("f", "Leaf", ["a"], ["b"], [leaky], [helper.make_opsetid("", 20)],
                                    attribute_protos=[helper.make_attribute("slope", 0.5)])
        written = self.check(model([helper.make_node("Leaf", ["x"], ["h"], domain="f"),
                                    helper.make_node("Leaf", ["h"], ["y"], domain="f", slope=0.25)],
                                   [value("x")], [value("y")], functions=[leaf]))
        self.assertEqual([n.op_type for n in written.graph.node], ["LeakyRelu", "LeakyRelu"])
        self.assertEqual([o.domain for o in written.opset_import], [""])

    def test_external_data(self):
        weight = np.random.default_rng(1).standard_normal((3, 4096)).astype(np.float32)
        message = model([helper.make_node("MatMul", ["x", "w"], ["y"])], [value("x")], [value("y", shape=[2, 4096])],
                        [const("w", weight)])
        written = self.check(message, "--external")
        entries = {e.key: e.value for e in written.graph.initializer[0].external_data}
        self.assertEqual(entries["location"], "written.onnx.data")
        self.assertEqual(int(entries["offset"]) % 4096, 0)
        again = self.convert(self.dir / "written.onnx", "--external-file", "other.bin", "--external", "--file-per-weight")
        self.same_outputs(self.dir / "source.onnx", again)

    def test_opsets(self):
        message = model([helper.make_node("ReduceMean", ["x", "axes"], ["m"], keepdims=1), helper.make_node("Sub", ["x", "m"], ["y"])],
                        [value("x")], [value("y")], [const("axes", np.array([1], np.int64))])
        for opset in (11, 13, 17, 18, 21):
            with self.subTest(opset=opset):
                written = self.check(message, "--opset", str(opset))
                self.assertEqual([(o.domain, o.version) for o in written.opset_import], [("", opset)])

    def test_old_forms_come_back_as_newer_ones(self):
        squeeze = helper.make_node("Squeeze", ["x"], ["y"], axes=[0])
        message = model([squeeze], [value("x", shape=[1, 3])], [value("y", shape=[3])], opset=11, ir_version=4)
        self.check(message)
        self.check(message, "--opset", "11")

    def test_narrow_integers(self):
        for kind, ir_version in ((onnx.TensorProto.INT4, 10), (onnx.TensorProto.UINT4, 10)):
            weight = helper.make_tensor("w", kind, [2, 3], [1, 2, 3, 4, 5, 6])
            message = model([helper.make_node("DequantizeLinear", ["w", "s"], ["h"]), helper.make_node("Add", ["x", "h"], ["y"])],
                            [value("x")], [value("y")], [weight, const("s", np.float32(0.5))], opset=21)
            written = self.check(message)
            self.assertEqual(written.ir_version, ir_version)

    def test_model_zoo(self):
        paths = sorted(SHARED.glob("models/*/model.onnx"))
        if not paths:
            self.skipTest(f"{SHARED}/models is not there (set ANYRT_SHARED)")
        for path in paths:
            with self.subTest(model=path.parent.name):
                target = self.convert(path)
                session(target)


if __name__ == "__main__":
    unittest.main()
