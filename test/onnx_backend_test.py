"""The onnx package's own runner drives anyrt.backend: everything passes but what no backend can (bench/onnx_backend.py counts, beside
onnxruntime)."""
import pathlib
import sys
import unittest
import warnings

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

import anyrt.backend as backend

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))
import onnx_backend  # noqa: E402

# Random numbers are compared with those of NumPy; the runner asks for the length of a sequence's scalars; Gradient is not an
# operator here.
CANNOT = {f"test_{n}_cpu" for n in (
    "bernoulli", "bernoulli_double", "bernoulli_double_expanded", "bernoulli_expanded", "bernoulli_seed", "bernoulli_seed_expanded",
    "training_dropout", "training_dropout_default", "training_dropout_default_mask", "training_dropout_mask", "loop16_seq_none",
    "gradient_of_add", "gradient_of_add_and_mul")}


class Backend(unittest.TestCase):
    @unittest.skipUnless(onnx.__version__.startswith("1.22."), "the list above is of onnx 1.22")
    def test_runner(self):
        warnings.simplefilter("ignore")
        groups = onnx_backend.count("anyrt")
        failed = {test: reason for group in groups.values() for test, reason in group[2].items()}
        self.assertEqual({t: r for t, r in failed.items() if t not in CANNOT}, {})
        self.assertEqual(sum(group[0] for group in groups.values()), 1892)

    def test_run_node(self):
        x = np.float32([[1, -2], [3, 4]])
        (y,) = backend.run_node(h.make_node("Neg", ["a"], ["b"]), [x])
        np.testing.assert_array_equal(y, -x)
        out = backend.run_node(h.make_node("TopK", ["a", "k"], ["values", "indices"], axis=1), {"a": x, "k": np.int64([1])})
        np.testing.assert_array_equal(out.values, [[1], [4]])
        np.testing.assert_array_equal(out.indices, [[0], [1]])
        (y,) = backend.run_node(h.make_node("Add", ["a", "a"], ["b"]), [x, x], outputs_info=[(np.float32, (2, 2))])
        np.testing.assert_array_equal(y, 2 * x)
        (y,) = backend.run_node(h.make_node("Unsqueeze", ["a"], ["b"], axes=[0]), [x], opset_version=11)
        self.assertEqual(y.shape, (1, 2, 2))
        (y,) = backend.run_node(h.make_node("StringConcat", ["a", "b"], ["c"]), [np.array(["x"], object), np.array(["y"], object)])
        self.assertEqual(y.tolist(), ["xy"])
        (y,) = backend.run_node(h.make_node("ConcatFromSequence", ["s"], ["c"], axis=0), [[x, x]])
        self.assertEqual(y.shape, (4, 2))
        (y,) = backend.run_node(h.make_node("Gelu", ["a"], ["b"], domain="com.microsoft"), [x])
        self.assertEqual(y.shape, (2, 2))
        with self.assertRaises(ValueError):
            backend.run_node(h.make_node("Neg", ["a"], ["b"]), [x, x])

    def test_models(self):
        graph = h.make_graph([h.make_node("Sub", ["x", "w"], ["y"])], "g", [h.make_tensor_value_info("x", T.FLOAT, [2]), h.make_tensor_value_info("w", T.FLOAT, [2])],
                             [h.make_tensor_value_info("y", T.FLOAT, [2])], [h.make_tensor("w", T.FLOAT, [2], [1, 2])])
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=9)
        x = np.float32([5, 5])
        for inputs in (x, [x], {"x": x}):
            np.testing.assert_array_equal(backend.run_model(model, inputs).y, [4, 3])
        np.testing.assert_array_equal(backend.run_model(model, [x, x]).y, [0, 0])
        np.testing.assert_array_equal(backend.prepare(model.SerializeToString(), threads=1).run([x])[0], [4, 3])
        self.assertTrue(backend.is_compatible(model))
        model.graph.node[0].op_type = "NoSuchOperator"
        self.assertFalse(backend.is_compatible(model))
        self.assertTrue(backend.supports_device("CPU") and not backend.supports_device("CUDA:1"))
        with self.assertRaises(NotImplementedError):
            backend.prepare(model, "CUDA")
        with self.assertRaises(ValueError):
            backend.prepare(model, threds=1)


if __name__ == "__main__":
    unittest.main()
