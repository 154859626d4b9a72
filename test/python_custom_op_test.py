"""Operators written in Python."""
import gc
import pathlib
import subprocess
import sys
import threading
import unittest
import weakref

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h

import anyrt as ort

ROOT = pathlib.Path(__file__).resolve().parents[1]


def info(name, dtype=T.FLOAT, shape=None):
    return h.make_tensor_value_info(name, dtype, shape)


def model(op, inputs=("x",), outputs=("y",), then=None, **attrs):
    nodes = [h.make_node(op, list(inputs), list(outputs), name="mine", domain="test", **attrs)]
    names = list(outputs)
    if then:
        nodes.append(h.make_node(then, [outputs[0]], ["z"]))
        names = ["z"]
    graph = h.make_graph(nodes, "g", [info(n) for n in inputs if n], [info(n) for n in names])
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 21), h.make_opsetid("test", 1)], ir_version=9).SerializeToString()


class CustomOps(unittest.TestCase):
    def test_attributes_defaults_and_optional_inputs(self):
        @ort.custom_op(domain="test", types={"x": "float32", "y": "x"})
        def ScaleAdd(x, b=None, *, scale: float, times=1, label="n", sizes=(1, 2), rates=(0.5,)):
            seen.append((b is None, scale, times, label, list(sizes), list(rates)))
            return x * np.float32(scale * times) + (0 if b is None else b)

        seen = []
        x = np.float32([1, 2])
        y = ort.InferenceSession(model("ScaleAdd", scale=2.0, then="Neg")).run(None, {"x": x})[0]
        np.testing.assert_array_equal(y, -2 * x)
        self.assertEqual(seen[-1], (True, 2.0, 1, "n", [1, 2], [0.5]))
        data = model("ScaleAdd", ("x", "b"), scale=2.0, times=3, label="é", sizes=[4], rates=[0.25, 1.0])
        np.testing.assert_array_equal(ort.InferenceSession(data).run(None, {"x": x, "b": x})[0], 7 * x)
        self.assertEqual(seen[-1], (False, 2.0, 3, "é", [4], [0.25, 1.0]))
        with self.assertRaises(ort.InvalidProtobuf) as caught:
            ort.InferenceSession(model("ScaleAdd"))
        self.assertIn("scale", str(caught.exception))
        ort.unregister_custom_op("ScaleAdd", "test")

    def test_several_outputs_and_variadic_inputs(self):
        @ort.custom_op("Stats", domain="test", outputs=("total", "count"))
        def stats(*rest):
            return sum(rest), np.float32(len(rest))

        total, count = ort.InferenceSession(model("Stats", ("a", "b", "c"), ("total", "count"))).run(None, {n: np.float32([1]) for n in "abc"})
        self.assertEqual((total.tolist(), int(count)), ([3], 3))
        ort.unregister_custom_op("Stats", "test")

    def test_inference(self):
        @ort.custom_op("Twice", domain="test", infer=lambda x, *, axis=0: (x[0], [2, *x[1]] if x[1] is not None else None))
        def twice(x, *, axis=0):
            return np.stack([x, x], axis)

        graph = h.make_graph([h.make_node("Twice", ["x"], ["y"], domain="test")], "g", [info("x", T.FLOAT, ["n", 3])], [info("y")])
        data = h.make_model(graph, opset_imports=[h.make_opsetid("", 21), h.make_opsetid("test", 1)], ir_version=9).SerializeToString()
        session = ort.InferenceSession(data)
        self.assertEqual(session.get_outputs()[0].shape, [2, "n", 3])
        self.assertEqual(session.run(None, {"x": np.zeros((4, 3), np.float32)})[0].shape, (2, 4, 3))
        ort.unregister_custom_op("Twice", "test")

    def test_errors_hold_the_traceback(self):
        @ort.custom_op("Fails", domain="test")
        def a_function_that_fails(x):
            raise KeyError("the reason")

        @ort.custom_op("WrongCount", domain="test", outputs=2)
        def wrong_count(x):
            return x

        @ort.custom_op("BadInfer", domain="test", infer=lambda x: 1 / 0)
        def bad_infer(x):
            return x

        with self.assertRaises(ort.RuntimeException) as caught:
            ort.InferenceSession(model("Fails")).run(None, {"x": np.float32([1])})
        for text in ("mine", "a_function_that_fails", "KeyError: 'the reason'", "Traceback"):
            self.assertIn(text, str(caught.exception))
        with self.assertRaises(ort.RuntimeException) as caught:
            ort.InferenceSession(model("WrongCount", outputs=("y", "z"))).run(None, {"x": np.float32([1])})
        self.assertIn("1 values, expected 2", str(caught.exception))
        with self.assertRaises(ort.Error) as caught:
            ort.InferenceSession(model("BadInfer"))
        self.assertIn("ZeroDivisionError", str(caught.exception))
        for name in ("Fails", "WrongCount", "BadInfer"):
            ort.unregister_custom_op(name, "test")

    def test_declarations(self):
        with self.assertRaises(ort.InvalidArgument):
            ort.custom_op("A", domain="test")(lambda x, **kwargs: x)
        with self.assertRaises(ort.InvalidArgument):
            ort.custom_op("A", domain="test")(lambda x, *, thing: x)
        with self.assertRaises(ort.InvalidArgument):
            ort.custom_op("A", domain="test", types={"x": "float33"})(lambda x: x)
        with self.assertRaises(ort.InvalidArgument):
            ort.custom_op("Relu", domain="")(lambda x: x)

    def test_results_belong_to_the_run(self):
        kept = np.float32([1, 2, 3])

        @ort.custom_op("Keeps", domain="test", pure=False)
        def keeps(x):
            return kept

        session = ort.InferenceSession(model("Keeps"))
        first = session.run(None, {"x": kept})[0]
        kept[0] = 9
        self.assertEqual(first.tolist(), [1, 2, 3])
        self.assertEqual(session.run(None, {"x": kept})[0].tolist(), [9, 2, 3])
        ort.unregister_custom_op("Keeps", "test")

    def test_threads(self):
        @ort.custom_op("Sum", domain="test")
        def total(x):
            return x.sum()

        session = ort.InferenceSession(model("Sum"))
        bad = []

        def work(k):
            for _ in range(50):
                if session.run(None, {"x": np.full(4, k, np.float32)})[0] != 4 * k:
                    bad.append(k)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        self.assertEqual(bad, [])
        ort.unregister_custom_op("Sum", "test")

    def test_nothing_is_kept(self):
        class Holder:
            pass

        holder = Holder()
        gone = weakref.ref(holder)

        def make(holder):
            def function(x):
                return x * (holder is not None)
            ort.custom_op("Holds", domain="test")(function)
        make(holder)
        session = ort.InferenceSession(model("Holds"))
        session.run(None, {"x": np.float32([1])})
        ort.unregister_custom_op("Holds", "test")
        del holder
        self.assertIsNotNone(gone())
        del session
        gc.collect()
        self.assertIsNone(gone())

    def test_example(self):
        done = subprocess.run([sys.executable, ROOT / "examples" / "custom_op.py"], capture_output=True, text=True, timeout=60)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 3, done.stderr)
        self.assertIn("limit is -1.0", lines[2])


if __name__ == "__main__":
    unittest.main()
