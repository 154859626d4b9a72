"""The Python package: onnxruntime's names, values both ways, errors, threads, pickling, fork."""
import gc
import multiprocessing
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import threading
import time
import unittest

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

import anyrt as ort

ROOT = pathlib.Path(__file__).resolve().parents[1]


def model(nodes, inputs, outputs, opset=21, initializers=()):
    graph = h.make_graph(nodes, "g", inputs, outputs, list(initializers))
    return h.make_model(graph, opset_imports=[h.make_opsetid("", opset), h.make_opsetid("ai.onnx.ml", 3)], ir_version=9).SerializeToString()


def tensor(name, dtype=T.FLOAT, shape=(None,)):
    return h.make_tensor_value_info(name, dtype, list(shape))


def one(op, dtype=T.FLOAT, out=None, **attrs):
    return model([h.make_node(op, ["x"], ["y"], **attrs)], [tensor("x", dtype)], [tensor("y", out or dtype)])


def slow_model():
    """Runs for a long time: a loop of many products."""
    body = h.make_graph([h.make_node("Identity", ["c"], ["c_out"]), h.make_node("MatMul", ["a", "w"], ["p"]), h.make_node("Tanh", ["p"], ["a_out"])],
                        "body", [tensor("i", T.INT64, ()), tensor("c", T.BOOL, ()), tensor("a", shape=(64, 64))],
                        [tensor("c_out", T.BOOL, ()), tensor("a_out", shape=(64, 64))])
    w = h.make_tensor("w", T.FLOAT, [64, 64], np.eye(64, dtype=np.float32).ravel())
    n = h.make_tensor("n", T.INT64, [], [10**8])
    return model([h.make_node("Loop", ["n", "", "x"], ["y"], body=body)], [tensor("x", shape=(64, 64))], [tensor("y", shape=(64, 64))], initializers=[w, n])


def run_in_child(source, queue):
    queue.put(ort.InferenceSession(source).run(None, {"x": np.float32([1, -2])})[0].tolist())


class Sessions(unittest.TestCase):
    def test_large_results_are_not_copied(self):
        session = ort.InferenceSession(one("Neg"))
        x = np.arange(400000, dtype=np.float32)
        y = session.run(None, {"x": x})[0]
        self.assertIsNotNone(y.base)  # memory of the run, not a copy
        self.assertTrue(y.flags.writeable)
        z = session.run(None, {"x": -x})[0]
        self.assertFalse(np.shares_memory(y, z))
        place = z.ctypes.data
        del z
        self.assertEqual(session.run(None, {"x": x})[0].ctypes.data, place)  # used again
        np.testing.assert_array_equal(y, -x)

    def test_listing_of_the_readme(self):
        path = ROOT / "examples" / "digits" / "digits.onnx"
        session = ort.InferenceSession(str(path))
        arg = session.get_inputs()[0]
        x = np.random.rand(*[d if isinstance(d, int) else 2 for d in arg.shape]).astype(np.float32)
        self.assertEqual(len(session.run(None, {arg.name: x})), len(session.get_outputs()))
        self.assertIn("InferenceSession(", repr(session))

    def test_names_and_types(self):
        session = ort.InferenceSession(model([h.make_node("Add", ["x", "b"], ["y"])], [tensor("x", shape=("N", 3))], [tensor("y", shape=("N", 3))],
                                             initializers=[h.make_tensor("b", T.FLOAT, [3], [1, 2, 3])]))
        (arg,) = session.get_inputs()
        self.assertEqual((arg.name, arg.type, arg.shape), ("x", "tensor(float)", ["N", 3]))
        self.assertEqual(session.get_providers(), ["CPUExecutionProvider"])
        np.testing.assert_array_equal(session.run(["y"], {"x": np.zeros((2, 3), np.float32)})[0], [[1, 2, 3]] * 2)

    def test_every_dtype_passes(self):
        import ml_dtypes
        types = [np.float32, np.float64, np.float16, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, np.bool_,
                 np.complex64, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.int4, ml_dtypes.uint4]
        for dtype in types:
            onnx_type = h.np_dtype_to_tensor_dtype(np.dtype(dtype))
            x = np.array([0, 1, 1], np.float32).astype(dtype)
            y = ort.InferenceSession(one("Identity", onnx_type)).run(None, {"x": x})[0]
            self.assertEqual(y.dtype, x.dtype)
            np.testing.assert_array_equal(y, x)

    def test_strings_sequences_maps_optionals(self):
        y = ort.InferenceSession(one("Identity", T.STRING)).run(None, {"x": np.array(["a", "é"], object)})[0]
        self.assertEqual(y.tolist(), ["a", "é"])
        seq = model([h.make_node("SequenceConstruct", ["x", "x"], ["y"])], [tensor("x")], [h.make_tensor_sequence_value_info("y", T.FLOAT, None)])
        out = ort.InferenceSession(seq).run(None, {"x": np.float32([1, 2])})[0]
        self.assertEqual([v.tolist() for v in out], [[1, 2], [1, 2]])
        zipmap = model([h.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_strings=["a", "b"])], [tensor("x", shape=(1, 2))],
                       [h.make_value_info("y", h.make_sequence_type_proto(h.make_map_type_proto(T.STRING, h.make_tensor_type_proto(T.FLOAT, []))))])
        self.assertEqual(ort.InferenceSession(zipmap).run(None, {"x": np.float32([[1, 2]])})[0], [{"a": 1.0, "b": 2.0}])

    def test_outputs_do_not_depend_on_inputs_or_session(self):
        x = np.ones(100000, np.float32)
        session = ort.InferenceSession(one("Identity"))
        y = session.run(None, {"x": x})[0]
        x[:] = 7
        del session
        gc.collect()
        self.assertEqual(y.sum(), 100000)

    def test_layouts_and_scalars(self):
        session = ort.InferenceSession(one("Relu"))
        x = np.arange(-10, 10, dtype=np.float32)[::2]
        np.testing.assert_array_equal(session.run(None, {"x": x})[0], np.maximum(x, 0))
        np.testing.assert_array_equal(session.run(None, {"x": [1.0, -1.0]})[0], [1, 0])

    def test_errors(self):
        session = ort.InferenceSession(one("Relu"))
        x = np.zeros(2, np.float32)
        for call, kind, text in [(lambda: session.run(None, {}), ort.InvalidArgument, "'x'"), (lambda: session.run(None, {"z": x}), ort.InvalidArgument, "'z'"),
                                 (lambda: session.run(None, {"x": x.astype(np.int32)}), ort.InvalidArgument, "int32"),
                                 (lambda: session.run(["q"], {"x": x}), ort.InvalidArgument, "'q'"),
                                 (lambda: ort.InferenceSession("/none.onnx"), ort.NoSuchFile, "/none.onnx"),
                                 (lambda: ort.InferenceSession(b"\x00garbage"), ort.InvalidProtobuf, ""),
                                 (lambda: ort.InferenceSession(one("Relu"), providers=["CUDAExecutionProvider"]), ort.InvalidArgument, "CUDA"),
                                 (lambda: ort.InferenceSession(one("NoSuchOperator")), ort.NotImplemented, "NoSuchOperator")]:
            with self.assertRaises(kind) as caught:
                call()
            self.assertIsInstance(caught.exception, ort.Error)
            self.assertIn(text, str(caught.exception))
        with self.assertWarns(UserWarning):
            ort.InferenceSession(one("Relu"), providers=["NoSuchProvider", "CPUExecutionProvider"])

    def test_run_options(self):
        session = ort.InferenceSession(slow_model())
        feed = {"x": np.zeros((64, 64), np.float32)}
        options = ort.RunOptions()
        threading.Timer(0.2, lambda: setattr(options, "terminate", True)).start()
        start = time.time()
        with self.assertRaises(ort.Fail):
            session.run(None, feed, options)
        self.assertLess(time.time() - start, 20)
        options = ort.RunOptions()
        options.timeout = 0.1
        with self.assertRaises(TimeoutError):
            session.run(None, feed, options)

    def test_other_threads_go_on_while_a_model_runs(self):
        session = ort.InferenceSession(slow_model())
        options, ticks, stop = ort.RunOptions(), [], threading.Event()
        options.timeout = 0.5

        def tick():
            while not stop.is_set():
                ticks.append(1)
                time.sleep(0.005)

        thread = threading.Thread(target=tick)
        thread.start()
        with self.assertRaises(ort.Error):
            session.run(None, {"x": np.zeros((64, 64), np.float32)}, options)
        stop.set()
        thread.join()
        self.assertGreater(len(ticks), 5)

    def test_ctrl_c(self):
        for options in ("None", "ort.RunOptions()"):
            code = ("import sys; sys.path.insert(0, %r)\nimport python_api_test as t, numpy as np, anyrt as ort, os, signal, threading\n"
                    "signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests were started in the background\n"
                    "quick = ort.InferenceSession(t.one('Relu'))\nquick.run(None, {'x': np.zeros(2, np.float32)})\n"
                    "s, o = ort.InferenceSession(t.slow_model()), %s\nthreading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
                    "try:\n    s.run(None, {'x': np.zeros((64, 64), np.float32)}, o)\nexcept KeyboardInterrupt:\n    print('stopped')\n"
                    "print(quick.run(None, {'x': np.zeros(2, np.float32)}, o)[0].tolist())") % (str(ROOT / "test"), options)
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.stdout.split("\n")[:2], ["stopped", "[0.0, 0.0]"], done.stderr)

    def test_config_keys(self):
        options = ort.SessionOptions()
        options.add_session_config_entry("session.disable_prepacking", "1")
        self.assertEqual(options.get_session_config_entry("session.disable_prepacking"), "1")
        with self.assertRaises(ort.InvalidArgument):
            options.add_session_config_entry("session.no_such_key", "1")

    def test_settings(self):
        options = ort.SessionOptions()
        self.assertEqual((options.accuracy, options.threads, options.hint, options.deterministic), ("default", 0, "latency", False))
        options.memory_cap = "64K"
        options.intra_op_num_threads = 2
        options.use_deterministic_compute = True
        options.set("hint", "memory")
        self.assertEqual((options.memory_cap, options.threads, options.deterministic, options.get("hint")), (65536, 2, True, "memory"))
        for key, value, text in [("accuracy", "exact", "strict, default or fast"), ("hints", "latency", "the options are: hint, threads"),
                                 ("threads", -1, "0 to 1024"), ("memory_cap", "lots", "suffix"), ("log_level", "loud", "debug, info")]:
            with self.assertRaises(ort.InvalidArgument) as caught:
                options.set(key, value)
            self.assertIn(text, str(caught.exception))
        with self.assertRaises(MemoryError):
            ort.InferenceSession(model([h.make_node("Relu", ["x"], ["a"]), h.make_node("Neg", ["a"], ["y"])], [tensor("x")], [tensor("y")]),
                                 options).run(None, {"x": np.zeros(100000, np.float32)})
        again = pickle.loads(pickle.dumps(ort.InferenceSession(one("Relu"), options)))
        self.assertEqual(again.get_session_options().memory_cap, 65536)

    def test_environment(self):
        code = "import anyrt as o\ns = o.SessionOptions()\nprint(s.memory_cap, s.hint)\ns.hint = 'latency'\nprint(s.hint)\n"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "ANYRT_MEMORY_CAP": "2K", "ANYRT_HINT": "memory"})
        self.assertEqual(done.stdout.split(), ["2048", "memory", "latency"], done.stderr)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env={**os.environ, "ANYRT_HINT": "speed"})
        self.assertIn("ANYRT_HINT", done.stderr)

    def test_log_callback_and_threads(self):
        """Threads that write messages while others change the callback."""
        newer = onnx.load_from_string(one("Relu"))
        newer.ir_version = 99
        data, seen, stop = newer.SerializeToString(), [], threading.Event()

        def load():
            while not stop.is_set():
                ort.InferenceSession(data)

        threads = [threading.Thread(target=load) for _ in range(3)]
        ort.set_default_logger_callback(lambda *a: seen.append(a[4]))
        for t in threads:
            t.start()
        for _ in range(200):
            ort.set_default_logger_callback(lambda *a: seen.append(a[4]))
            time.sleep(0.001)
        stop.set()
        for t in threads:
            t.join(60)
            self.assertFalse(t.is_alive())
        ort.set_default_logger_callback(None)
        self.assertGreater(len(seen), 10)

    def test_log_severity(self):
        ort.set_default_logger_severity(2)
        with self.assertRaises(ort.InvalidArgument):
            ort.set_default_logger_severity(9)

    def test_pickle_fork_spawn(self):
        data = one("Relu")
        session = ort.InferenceSession(data)
        session.run(None, {"x": np.zeros(200000, np.float32)})
        again = pickle.loads(pickle.dumps(session))
        self.assertEqual(again.run(None, {"x": np.float32([1, -2])})[0].tolist(), [1, 0])
        for how in ("fork", "spawn"):
            context = multiprocessing.get_context(how)
            queue = context.Queue()
            process = context.Process(target=run_in_child, args=(data, queue))
            process.start()
            self.assertEqual(queue.get(timeout=60), [1, 0])
            process.join(60)
            self.assertEqual(process.exitcode, 0)


class Values(unittest.TestCase):
    def test_ort_value(self):
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        v = ort.OrtValue.ortvalue_from_numpy(x)
        self.assertEqual((v.shape(), v.data_type(), v.is_tensor(), v.element_type(), v.device_name()), ([2, 3], "tensor(float)", True, 1, "cpu"))
        self.assertEqual(v.data_ptr(), x.ctypes.data)
        np.testing.assert_array_equal(np.from_dlpack(v), x)
        session = ort.InferenceSession(model([h.make_node("Neg", ["x"], ["y"])], [tensor("x", shape=(2, 3))], [tensor("y", shape=(2, 3))]))
        (out,) = session.run_with_ort_values(["y"], {"x": v})
        np.testing.assert_array_equal(out.numpy(), -x)

    def test_binding(self):
        session = ort.InferenceSession(one("Neg"))
        x, y = np.float32([1, 2, 3]), np.zeros(3, np.float32)
        binding = session.io_binding()
        binding.bind_cpu_input("x", x)
        binding.bind_output("y", "cpu", 0, np.float32, [3], y.ctypes.data)
        session.run_with_iobinding(binding)
        np.testing.assert_array_equal(y, -x)
        binding.clear_binding_outputs()
        binding.bind_output("y")
        session.run_with_iobinding(binding)
        np.testing.assert_array_equal(binding.copy_outputs_to_cpu()[0], -x)

    def test_async(self):
        done = threading.Event()
        got = []
        ort.InferenceSession(one("Neg")).run_async(None, {"x": np.float32([1])}, lambda out, data, error: (got.append((out, data, error)), done.set()), 5)
        self.assertTrue(done.wait(30))
        self.assertEqual((got[0][0][0].tolist(), got[0][1], got[0][2]), ([-1.0], 5, ""))


def pooled(k):
    return float(_shared.run(None, {"x": np.full(4096, k, np.float32)})[0].sum())


_shared = None


class Peer(unittest.TestCase):
    """Values come as onnxruntime gives them: the same Python types, element types and shapes."""

    def same(self, a, b):
        self.assertIs(type(a), type(b))
        if isinstance(a, (list, tuple)):
            self.assertEqual(len(a), len(b))
            for x, y in zip(a, b):
                self.same(x, y)
        elif isinstance(a, dict):
            self.assertEqual(list(a), list(b))
            for k in a:
                self.assertIs(type(k), type(next(j for j in b if j == k)))
                self.same(a[k], b[k])
        elif isinstance(a, np.ndarray):
            self.assertEqual((a.dtype, a.shape), (b.dtype, b.shape))
            np.testing.assert_array_equal(a, b)
        else:
            self.assertEqual(a, b)

    def test_values(self):
        try:
            import onnxruntime as peer
        except ImportError:
            self.skipTest("onnxruntime is not installed")
        x = np.float32([[0.1, 0.9], [0.8, 0.2]])
        map_of = lambda key: h.make_value_info("y", h.make_sequence_type_proto(h.make_map_type_proto(key, h.make_tensor_type_proto(T.FLOAT, []))))  # noqa: E731
        seq = h.make_tensor_sequence_value_info("s", T.FLOAT, None)
        opt = h.make_value_info("o", h.make_optional_type_proto(h.make_tensor_type_proto(T.FLOAT, [None, 2])))
        cases = [
            (model([h.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_strings=["b", "a"])], [tensor("x", shape=(2, 2))], [map_of(T.STRING)]), {"x": x}),
            (model([h.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[7, 3])], [tensor("x", shape=(2, 2))], [map_of(T.INT64)]), {"x": x}),
            (model([h.make_node("SequenceConstruct", ["x", "x"], ["y"])], [tensor("x", shape=(2, 2))], [h.make_tensor_sequence_value_info("y", T.FLOAT, None)]), {"x": x}),
            (model([h.make_node("SequenceAt", ["s", "i"], ["y"])], [seq, tensor("i", T.INT64, ())], [tensor("y", shape=(None, None))]), {"s": [x, x[:1]], "i": np.array(1)}),
            (model([h.make_node("SequenceEmpty", [], ["y"], dtype=T.INT64)], [tensor("x", shape=(2, 2))], [h.make_tensor_sequence_value_info("y", T.INT64, None)]), {"x": x}),
            (model([h.make_node("OptionalHasElement", ["o"], ["y"])], [opt], [tensor("y", T.BOOL, ())]), {"o": None}),
            (model([h.make_node("OptionalHasElement", ["o"], ["y"])], [opt], [tensor("y", T.BOOL, ())]), {"o": x}),
            (model([h.make_node("Optional", ["x"], ["y"])], [tensor("x", shape=(2, 2))], [h.make_value_info("y", opt.type)]), {"x": x}),
            (model([h.make_node("StringSplit", ["x"], ["y", "n"])], [tensor("x", T.STRING, (None,))], [tensor("y", T.STRING, (None, None)), tensor("n", T.INT64, (None,))]),
             {"x": np.array(["a b", "c"], object)}),
            (model([h.make_node("ReduceSum", ["x"], ["y"], keepdims=0)], [tensor("x", shape=(2, 2))], [tensor("y", shape=())]), {"x": x}),
            (one("Identity", T.FLOAT16), {"x": np.float16([1, 2])}),
            (model([h.make_node("Shape", ["x"], ["y"])], [tensor("x", T.STRING, (None,))], [tensor("y", T.INT64, (1,))]), {"x": np.array(["a"])}),
        ]
        for data, feed in cases:
            with self.subTest(onnx.load_from_string(data).graph.node[0].op_type):
                theirs = peer.InferenceSession(data, providers=["CPUExecutionProvider"])
                ours = ort.InferenceSession(data)
                self.same(ours.run(None, feed), theirs.run(None, feed))
                for a, b in zip([*ours.get_inputs(), *ours.get_outputs()], [*theirs.get_inputs(), *theirs.get_outputs()]):
                    self.assertEqual((a.name, a.type), (b.name, b.type))

    def test_pools(self):
        global _shared
        _shared = ort.InferenceSession(one("Relu"))
        self.assertEqual(pooled(1), 4096)
        with multiprocessing.get_context("fork").Pool(3) as pool:  # as gunicorn and data loaders do: made before, used in children
            self.assertEqual(pool.map(pooled, range(20)), [4096.0 * k for k in range(20)])
        with multiprocessing.get_context("spawn").Pool(2, initializer=restore, initargs=(_shared,)) as pool:
            self.assertEqual(pool.map(pooled, range(4)), [4096.0 * k for k in range(4)])


def restore(session):
    global _shared
    _shared = session


class Backend(unittest.TestCase):
    def test_a_node(self):
        import anyrt.backend as backend
        m = onnx.load_from_string(one("Neg"))
        self.assertEqual(backend.prepare(m).run([np.float32([1])])[0].tolist(), [-1])
        self.assertTrue(backend.supports_device("CPU") and not backend.supports_device("CUDA"))

    def test_shim(self):
        script = "import onnxruntime as o, sys; print(o.__name__, len(sys.argv)); from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument"
        path = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"anyrt_shim_{os.getpid()}.py"
        path.write_text(script)
        done = subprocess.run([sys.executable, "-m", "anyrt.as_onnxruntime", str(path), "a"], capture_output=True, text=True, timeout=60)
        path.unlink()
        self.assertEqual(done.stdout.split(), ["anyrt", "2"], done.stderr)


if __name__ == "__main__":
    unittest.main()
