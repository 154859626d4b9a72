"""Every class of error that anyrt raises is provoked: its type, the Python kinds that it also is, and what the message names."""
import gc
import os
import pathlib
import tempfile
import threading
import unittest

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

import anyrt as ort
from anyrt import _errors


def info(name, dtype=T.FLOAT, shape=(None, 3)):
    return h.make_tensor_value_info(name, dtype, list(shape))


def model(nodes, inputs=None, outputs=None, initializers=()):
    graph = h.make_graph(nodes, "g", inputs or [info("x")], outputs or [info("y")], list(initializers))
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 21), h.make_opsetid("test", 1)], ir_version=9)


def relu():
    return model([h.make_node("Relu", ["x"], ["y"], name="r")]).SerializeToString()


def loop(count):
    body = h.make_graph([h.make_node("Identity", ["c"], ["d"]), h.make_node("Cos", ["a"], ["b"])], "body",
                        [info("i", T.INT64, ()), info("c", T.BOOL, ()), info("a", shape=(4,))], [info("d", T.BOOL, ()), info("b", shape=(4,))])
    return model([h.make_node("Loop", ["n", "", "x"], ["y"], body=body, name="loop")], [info("x", shape=(4,))], [info("y", shape=(4,))],
                 [h.make_tensor("n", T.INT64, [], [count])]).SerializeToString()


X = np.zeros((2, 3), np.float32)


class Errors(unittest.TestCase):
    def fails(self, kind, also, parts, call):
        with self.assertRaises(kind) as caught:
            call()
        error = caught.exception
        self.assertIs(type(error), kind)
        self.assertIsInstance(error, ort.Error)
        if also:
            self.assertIsInstance(error, also)
        for part in parts:
            self.assertIn(part, str(error))
        self.assertTrue(error.code)
        self.seen.add(kind)

    seen = set()

    def test_a_inputs(self):
        s = ort.InferenceSession(relu())
        bad = ort.InvalidArgument
        self.fails(bad, ValueError, ["'x'", "missing"], lambda: s.run(None, {}))
        self.fails(bad, ValueError, ["'z'", "its inputs are: x"], lambda: s.run(None, {"x": X, "z": X}))
        self.fails(bad, ValueError, ["'x'", "float32", "int64"], lambda: s.run(None, {"x": X.astype(np.int64)}))
        self.fails(bad, ValueError, ["'x'", "rank 2", "rank 1"], lambda: s.run(None, {"x": X[0]}))
        self.fails(bad, ValueError, ["'x'", "3", "[2,4]"], lambda: s.run(None, {"x": np.zeros((2, 4), np.float32)}))
        self.fails(bad, ValueError, ["'q'", "its outputs are: y"], lambda: s.run(["q"], {"x": X}))
        self.fails(bad, ValueError, ["names of inputs", "str"], lambda: s.run(None, {1: X}))
        self.fails(bad, ValueError, ["datetime64"], lambda: s.run(None, {"x": np.array(["2020-01-01"], "datetime64[D]")}))
        self.fails(bad, ValueError, ["expected a list", "one array"], lambda: ort.InferenceSession(model(
            [h.make_node("SequenceLength", ["s"], ["y"])], [h.make_tensor_sequence_value_info("s", T.FLOAT, None)], [info("y", T.INT64, ())]
        ).SerializeToString()).run(None, {"s": X}))
        with self.assertRaises(TypeError):
            s.run(None, [X])

    def test_b_models(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        broken = pathlib.Path(folder.name, "broken.onnx")
        broken.write_bytes(relu()[:-5])
        self.fails(ort.NoSuchFile, FileNotFoundError, ["/none.onnx"], lambda: ort.InferenceSession("/none.onnx"))
        self.fails(ort.NoModel, None, ["no bytes"], lambda: ort.InferenceSession(b""))
        self.fails(ort.InvalidGraph, ort.InvalidProtobuf, [str(broken)], lambda: ort.InferenceSession(broken))
        self.fails(ort.InvalidGraph, ort.InvalidProtobuf, ["'r'", "nope"], lambda: ort.InferenceSession(
            model([h.make_node("Relu", ["x"], ["y"], name="r", nope=1)]).SerializeToString()))
        self.fails(ort.InvalidGraph, ort.InvalidProtobuf, ["'gone'"], lambda: ort.InferenceSession(
            model([h.make_node("Add", ["x", "gone"], ["y"])]).SerializeToString()))
        self.fails(ort.NotImplemented, NotImplementedError, ["NoSuchOperator", "test"], lambda: ort.InferenceSession(
            model([h.make_node("NoSuchOperator", ["x"], ["y"], domain="test")]).SerializeToString()))
        external = onnx.TensorProto(name="w", data_type=T.FLOAT, dims=[3], data_location=onnx.TensorProto.EXTERNAL)
        external.external_data.extend([onnx.StringStringEntryProto(key="location", value="gone.bin")])
        path = pathlib.Path(folder.name, "external.onnx")
        path.write_bytes(model([h.make_node("Add", ["x", "w"], ["y"])], initializers=[external]).SerializeToString())
        with self.assertRaises(ort.Error) as caught:
            ort.InferenceSession(path)
        self.assertIn("gone.bin", str(caught.exception))
        with self.assertRaises(TypeError):
            ort.InferenceSession(5)

    def test_c_options(self):
        o = ort.SessionOptions()
        self.fails(ort.InvalidArgument, ValueError, ["accuracy", "strict, default or fast"], lambda: setattr(o, "accuracy", "exact"))
        self.fails(ort.InvalidArgument, ValueError, ["session.none"], lambda: o.add_session_config_entry("session.none", "1"))
        self.fails(ort.InvalidArgument, ValueError, ["CUDAExecutionProvider", "CPUExecutionProvider"],
                   lambda: ort.InferenceSession(relu(), providers=["CUDAExecutionProvider"]))
        o.disabled_passes = ["no_such_pass"]
        self.fails(ort.InvalidArgument, ValueError, ["no_such_pass", "fold_constants"], lambda: ort.InferenceSession(relu(), o))
        self.fails(ort.NotFound, LookupError, ["profiling"], lambda: ort.InferenceSession(relu()).end_profiling())
        self.fails(ort.NotFound, LookupError, ["/no/such/lib.so"], lambda: ort.SessionOptions().register_custom_ops_library("/no/such/lib.so"))
        o = ort.SessionOptions()
        o.set_load_cancellation_flag(True)
        self.fails(ort.ModelLoadCanceled, None, ["import"], lambda: ort.InferenceSession(relu(), o))
        o = ort.SessionOptions()
        o.enable_profiling, o.profile_file_prefix = True, "/no/such/folder/profile"
        self.fails(ort.RuntimeException, RuntimeError, ["/no/such/folder/profile"], lambda: ort.InferenceSession(relu(), o).end_profiling())

    def test_d_runs(self):
        s = ort.InferenceSession(loop(10**9))
        x = {"x": np.zeros(4, np.float32)}
        o = ort.RunOptions()
        o.timeout = 0.05
        self.fails(ort.DeadlineExceeded, TimeoutError, ["time limit"], lambda: s.run(None, x, o))
        self.assertIsInstance(ort.DeadlineExceeded(""), ort.Fail)
        o = ort.RunOptions()
        threading.Timer(0.1, setattr, (o, "terminate", True)).start()
        self.fails(ort.Cancelled, ort.Fail, ["cancelled"], lambda: s.run(None, x, o))
        self.fails(ort.Cancelled, ort.Fail, ["cancelled"], lambda: s.run(None, x, o))  # the flag stays until it is cleared
        o = ort.RunOptions()
        o.memory_cap = 100
        big = ort.InferenceSession(model([h.make_node("Exp", ["x"], ["a"]), h.make_node("Neg", ["a"], ["y"])]).SerializeToString())
        self.fails(ort.ResourceExhausted, MemoryError, ["100"], lambda: big.run(None, {"x": np.zeros((10000, 3), np.float32)}, o))
        self.assertIsInstance(ort.ResourceExhausted(""), ort.RuntimeException)
        divide = ort.InferenceSession(model([h.make_node("Gather", ["x", "i"], ["y"])], [info("x"), info("i", T.INT64, (1,))]).SerializeToString())
        with self.assertRaises(ort.Error) as caught:
            divide.run(None, {"x": X, "i": np.int64([7])})
        self.assertIn("7", str(caught.exception))
        raised = ort.custom_op("Raises", domain="test")(lambda x: 1 / 0)
        failing = ort.InferenceSession(model([h.make_node("Raises", ["x"], ["y"], domain="test", name="mine")]).SerializeToString())
        self.fails(ort.RuntimeException, RuntimeError, ["mine", "ZeroDivisionError"], lambda: failing.run(None, {"x": X}))
        ort.unregister_custom_op("Raises", "test")
        del raised

    def test_e_every_class(self):
        classes = {c for c in vars(_errors).values() if isinstance(c, type) and issubclass(c, ort.Error)}
        never = {ort.Error, ort.Fail, ort.InvalidProtobuf, ort.EngineError, ort.ModelLoaded, ort.EPFail, ort.ModelRequiresCompilation, ort.DeviceReset}
        self.assertEqual(classes - self.seen, never, "bases, and names that docs/onnxruntime-names.md calls never raised")

    def test_f_sessions_go_on_after_errors(self):
        s = ort.InferenceSession(relu())
        for _ in range(200):
            for feed in ({}, {"x": X[0]}, {"x": "text"}, {"x": None}, {"x": object()}):
                with self.assertRaises((ort.Error, TypeError, ValueError)):
                    s.run(None, feed)
        self.assertEqual(s.run(None, {"x": X})[0].shape, (2, 3))

    def test_g_memory_stays(self):
        def resident():
            fields = dict(line.split(":") for line in pathlib.Path("/proc/self/status").read_text().splitlines() if ":" in line)
            return int(fields["RssAnon"].split()[0]) << 10

        s, big = ort.InferenceSession(relu()), np.zeros((2000, 4), np.float32)
        ort.custom_op("RaisesOften", domain="test")(lambda x: 1 / 0)
        failing = ort.InferenceSession(model([h.make_node("RaisesOften", ["x"], ["y"], domain="test")]).SerializeToString())
        capped = ort.RunOptions()
        capped.memory_cap = 100
        chain = ort.InferenceSession(model([h.make_node("Exp", ["x"], ["a"]), h.make_node("Neg", ["a"], ["y"])]).SerializeToString())
        calls = [lambda: s.run(None, {"x": big}), lambda: s.run(None, {"z": big}), lambda: ort.InferenceSession(relu()[:-5]),
                 lambda: ort.InferenceSession("/none.onnx"), lambda: failing.run(None, {"x": X}),
                 lambda: chain.run(None, {"x": np.zeros((2000, 3), np.float32)}, capped), lambda: ort.SessionOptions().set("hint", "wrong"),
                 lambda: ort.OrtValue.from_dlpack(big.T)]

        def provoke(times):
            for _ in range(times):
                for number, call in enumerate(calls):
                    with self.assertRaises(ort.Error, msg=f"call {number}"):
                        call()
            gc.collect()

        provoke(100)
        before = resident()
        provoke(1000)
        self.assertLess(resident() - before, 1 << 20)
        ort.unregister_custom_op("RaisesOften", "test")

    def test_h_file_descriptors_stay(self):
        count = len(os.listdir("/proc/self/fd"))
        for _ in range(50):
            with self.assertRaises(ort.Error):
                ort.InferenceSession(relu()[:-5])
            with self.assertRaises(ort.Error):
                ort.InferenceSession(__file__)
        self.assertEqual(len(os.listdir("/proc/self/fd")), count)


if __name__ == "__main__":
    unittest.main()
