"""Calls every name of the table of onnxruntime's names: what works must work, what has no effect must be accepted, what is not
implemented must raise NotImplemented."""
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

import anyrt as ort

ROOT = pathlib.Path(__file__).resolve().parents[1]
X = np.float32([[1, -2, 3]])


def model(op="Neg", shape=("N", 3), **attrs):
    graph = h.make_graph([h.make_node(op, ["x"], ["y"], name="n", **attrs)], "g", [h.make_tensor_value_info("x", T.FLOAT, list(shape))],
                         [h.make_tensor_value_info("y", T.FLOAT, list(shape))], doc_string="about g")
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=9, producer_name="test", domain="d", doc_string="doc", model_version=7)
    h.set_model_props(made, {"key": "value"})
    return made.SerializeToString()


def with_weight(external=None):
    """y = x + w, w float32[3] {1, 2, 3}, in a file of its own where a location is given."""
    w = h.make_tensor("w", T.FLOAT, [3], np.float32([1, 2, 3]).tobytes(), raw=True)
    if external:
        w = onnx.TensorProto(name="w", data_type=T.FLOAT, dims=[3], data_location=onnx.TensorProto.EXTERNAL)
        w.external_data.extend([onnx.StringStringEntryProto(key="location", value=external), onnx.StringStringEntryProto(key="length", value="12")])
    graph = h.make_graph([h.make_node("Add", ["x", "w"], ["y"])], "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 3])],
                         [h.make_tensor_value_info("y", T.FLOAT, [1, 3])], [w])
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=9).SerializeToString()


def session(options=None, **kwargs):
    return ort.InferenceSession(model(), options, **kwargs)


def options(**values):
    made = ort.SessionOptions()
    for name, value in values.items():
        setattr(made, name, value)
    return made


class Table(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        lines = (pathlib.Path(ort.__file__).parent / "_names.tsv").read_text().splitlines()
        cls.rows = [tuple(line.split("\t")) for line in lines if not line.startswith("#")]
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        (cls.path / "model.onnx").write_bytes(model())

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_page(self):
        subprocess.run([sys.executable, ROOT / "scripts" / "name_table.py", "--check"], check=True)

    def test_every_name_of_the_peer_is_in_the_table(self):
        """Public names of onnxruntime's classes and module that section rows do not list would go unnoticed."""
        names = {row[0] for row in self.rows}
        code = ("import onnxruntime as o\n"
                "for c in ('InferenceSession','SessionOptions','RunOptions','OrtValue','IOBinding','SparseTensor','NodeArg','ModelMetadata','ModelCompiler'):\n"
                "    for m in dir(getattr(o, c)):\n"
                "        if not m.startswith('_'): print(c + '.' + m)\n"
                "from onnxruntime.capi import onnxruntime_pybind11_state as s\n"
                "for n in dir(s):\n"
                "    v = getattr(s, n)\n"
                "    if isinstance(v, type) and issubclass(v, Exception): print(n)\n"
                "for n in ('get_available_providers','get_all_providers','get_device','set_seed','set_default_logger_severity','set_default_logger_verbosity',\n"
                "          'set_global_thread_pool_sizes','create_and_register_allocator','create_and_register_allocator_v2','get_ep_devices','copy_tensors'):\n"
                "    print(n)\n")
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        if done.returncode:
            self.skipTest("onnxruntime is not installed")
        # Graph capture of WebGPU, values in its memory: names newer than the table's.
        newer = {"InferenceSession.release_captured_graph", "InferenceSession.create_ortvalue_from_shape_and_type"}
        self.assertEqual(set(done.stdout.split()) - names - newer, set())

    def test_every_name(self):
        for name, state, remark in self.rows:
            with self.subTest(name):
                self.assertIn(state, ("works", "no effect", "NotImplemented"))
                self.assertTrue(remark or state == "works", "a reason is missing")
                kind, _, key = name.partition(" ")
                if key:
                    self.config_entry(kind, key, state)
                    continue
                holder, _, member = name.partition(".")
                self.assertTrue(hasattr(ort, holder))
                call = CALLS.get(name)
                if call is None:
                    thing = getattr(ort, holder)
                    if member:
                        self.assertTrue(hasattr(INSTANCES[holder](), member))
                        self.assertNotEqual(state, "NotImplemented", "no call shows it")
                        self.assertFalse(callable(getattr(thing, member, None)), "a method without a call in CALLS")
                    else:
                        self.assertTrue(isinstance(thing, type), "a function without a call in CALLS")
                elif state == "NotImplemented":
                    with self.assertRaises(ort.NotImplemented) as caught:
                        call(self)
                    self.assertGreater(len(str(caught.exception)), 10)
                else:
                    call(self)

    def config_entry(self, kind, key, state):
        made = ort.SessionOptions() if kind == "session" else ort.RunOptions()
        add = getattr(made, f"add_{kind}_config_entry")
        get = getattr(made, f"get_{kind}_config_entry")
        value = "ONNX" if key.endswith("_format") else "1"
        if state == "NotImplemented":
            add(key, "0")
            with self.assertRaises(ort.NotImplemented):
                add(key, "1")
        else:
            add(key, value)
            self.assertEqual(get(key), value)
        if state == "no effect" and kind == "session":
            np.testing.assert_array_equal(session(made).run(None, {"x": X})[0], -X)

    def test_unknown_config_keys(self):
        for add in (ort.SessionOptions().add_session_config_entry, ort.RunOptions().add_run_config_entry):
            with self.assertRaises(ort.InvalidArgument):
                add("session.no_such_key", "1")
        with self.assertRaises(ort.NotImplemented):
            ort.SessionOptions().add_session_config_entry("session.load_model_format", "ORT")


def equal(t, a, b):
    t.assertEqual(a, b)


def run_twice(t):
    s = session()
    for names in (None, [], ["y"]):
        np.testing.assert_array_equal(s.run(names, {"x": X})[0], -X)


def run_async(t):
    done, got = threading.Event(), []
    session().run_async(["y"], {"x": X}, lambda *a: (got.extend(a), done.set()), "data")
    t.assertTrue(done.wait(30))
    np.testing.assert_array_equal(got[0][0], -X)
    equal(t, got[1:], ["data", ""])
    done.clear()
    session().run_async(["y"], {}, lambda *a: (got.extend(a), done.set()), None)
    t.assertTrue(done.wait(30))
    t.assertIn("'x'", got[5])


def binding(t, s=None, bind_input=None, bind_output=None):
    s = s or session()
    b = s.io_binding()
    (bind_input or (lambda b: b.bind_cpu_input("x", X)))(b)
    (bind_output or (lambda b: b.bind_output("y")))(b)
    b.synchronize_inputs()
    s.run_with_iobinding(b)
    b.synchronize_outputs()
    np.testing.assert_array_equal(b.copy_outputs_to_cpu()[0], -X)
    np.testing.assert_array_equal(b.get_outputs()[0].numpy(), -X)
    np.testing.assert_array_equal(b.get_outputs_as_ortvaluevector()[0].numpy(), -X)
    return b


def bound_output_memory(t):
    out = np.zeros((1, 3), np.float32)
    binding(t, bind_output=lambda b: b.bind_output("y", "cpu", 0, np.float32, [1, 3], out.ctypes.data))
    np.testing.assert_array_equal(out, -X)
    with t.assertRaises(ort.InvalidArgument):
        binding(t, bind_output=lambda b: b.bind_output("y", "cpu", 0, np.float32, [3, 1], out.ctypes.data))
    with t.assertRaises(ort.InvalidArgument):
        binding(t, bind_output=lambda b: b.bind_output("z"))


def bound_ortvalue(t):
    out = ort.OrtValue.ortvalue_from_shape_and_type([1, 3], np.float32)
    binding(t, bind_output=lambda b: b.bind_ortvalue_output("y", out))
    np.testing.assert_array_equal(out.numpy(), -X)


def clearing(t, inputs):
    s = session()
    b = binding(t, s)
    (b.clear_binding_inputs if inputs else b.clear_binding_outputs)()
    with t.assertRaises(ort.InvalidArgument):
        s.run_with_iobinding(b)


def vector_run(t):
    fetches = []
    session().run_with_ortvaluevector(None, ["x"], [value()], ["y"], fetches, [])
    np.testing.assert_array_equal(fetches[0].numpy(), -X)


def profiling(t):
    import json
    import os
    o = options(enable_profiling=True, profile_file_prefix=str(t.path / "prof"))
    s = session(o)
    t.assertGreater(s.get_profiling_start_time_ns(), 10**18)
    s.run(None, {"x": X})
    name = s.end_profiling()
    t.assertTrue(os.path.basename(name).startswith("prof_") and name.endswith(".json"), name)
    events = json.loads(pathlib.Path(name).read_text())
    node = [e for e in events if e["cat"] == "Node"][0]
    equal(t, (node["name"], node["args"]["op_name"], node["ph"], node["args"]["output_type_shape"]), ("n_kernel_time", "Neg", "X", [{"float32": [1, 3]}]))
    t.assertIn("model_run", [e["name"] for e in events])
    with t.assertRaises(ort.NotFound):
        session().end_profiling()


def saves(t, level=ort.GraphOptimizationLevel.ORT_ENABLE_ALL):
    path = t.path / "saved.onnx"
    session(options(optimized_model_filepath=str(path), graph_optimization_level=level))
    np.testing.assert_array_equal(ort.InferenceSession(str(path)).run(None, {"x": X})[0], -X)
    onnx.checker.check_model(str(path))
    path.unlink()


def compiler(t, how):
    c = ort.ModelCompiler(ort.SessionOptions(), str(t.path / "model.onnx"))
    if how == "file":
        c.compile_to_file()
        data = (t.path / "model_ctx.onnx").read_bytes()
        with t.assertRaises(ort.InvalidArgument):
            ort.ModelCompiler(ort.SessionOptions(), model(), flags=2).compile_to_file(str(t.path / "model_ctx.onnx"))
    elif how == "bytes":
        data = c.compile_to_bytes()
    else:
        parts = []
        c.compile_to_stream(parts.append)
        data = b"".join(parts)
    np.testing.assert_array_equal(ort.InferenceSession(data).run(None, {"x": X})[0], -X)


def replaced_initializer(t):
    o = ort.SessionOptions()
    o.add_initializer("w", ort.OrtValue.ortvalue_from_numpy(np.float32([10, 20, 30])))
    np.testing.assert_array_equal(ort.InferenceSession(with_weight(), o).run(None, {"x": X})[0], X + np.float32([10, 20, 30]))
    for name, value, text in [("nope", np.float32([1, 2, 3]), "'nope'"), ("w", np.float32([1]), "float32[3]")]:
        o = ort.SessionOptions()
        o.add_initializer(name, value)
        with t.assertRaises(ort.InvalidArgument) as caught:
            ort.InferenceSession(with_weight(), o)
        t.assertIn(text, str(caught.exception))


def external_initializers(t):
    o = ort.SessionOptions()
    o.add_external_initializers(["w"], [ort.OrtValue.ortvalue_from_numpy(np.float32([4, 5, 6]))])
    np.testing.assert_array_equal(ort.InferenceSession(with_weight("gone.bin"), o).run(None, {"x": X})[0], X + np.float32([4, 5, 6]))


def external_in_memory(t):
    data = np.float32([7, 8, 9]).tobytes()
    o = ort.SessionOptions()
    o.add_external_initializers_from_files_in_memory(["w.bin"], [data], [len(data)])
    np.testing.assert_array_equal(ort.InferenceSession(with_weight("w.bin"), o).run(None, {"x": X})[0], X + np.float32([7, 8, 9]))
    with t.assertRaises(ort.InvalidArgument):
        ort.SessionOptions().add_external_initializers_from_files_in_memory(["w.bin"], [b""], [12])


def fixed_dimension(t):
    o = ort.SessionOptions()
    o.add_free_dimension_override_by_name("N", 1)
    s = session(o)
    equal(t, (s.get_inputs()[0].shape, s.get_outputs()[0].shape), ([1, 3], [1, 3]))
    with t.assertRaises(ort.InvalidArgument):
        s.run(None, {"x": np.zeros((2, 3), np.float32)})


def denoted_dimension(t):
    made = onnx.load_from_string(model())
    made.graph.input[0].type.tensor_type.shape.dim[0].denotation = "DATA_BATCH"
    made.graph.output[0].type.tensor_type.shape.dim[0].denotation = "DATA_BATCH"
    for denotation, want in (("DATA_BATCH", 2), ("DATA_CHANNEL", "N")):
        o = ort.SessionOptions()
        o.add_free_dimension_override_by_denotation(denotation, 2)
        s = ort.InferenceSession(made.SerializeToString(), o)
        equal(t, (s.get_inputs()[0].shape, s.get_outputs()[0].shape), ([want, 3], [want, 3]))
    o = ort.SessionOptions()
    o.add_free_dimension_override_by_denotation("DATA_BATCH", -2)
    with t.assertRaises(ort.InvalidArgument):
        ort.InferenceSession(made.SerializeToString(), o)


def seeds(t):
    random = model("RandomNormalLike")
    def draw(seed):
        ort.set_seed(seed)
        return ort.InferenceSession(random).run(None, {"x": X})[0].tolist()
    try:
        equal(t, draw(5), draw(5))
        t.assertNotEqual(draw(5), draw(6))
    finally:
        ort.set_seed(0)


def cancelled_load(t):
    o = ort.SessionOptions()
    o.set_load_cancellation_flag(True)
    with t.assertRaises(ort.ModelLoadCanceled):
        session(o)
    o.set_load_cancellation_flag(False)
    session(o)


def providers_of_options(t):
    o = ort.SessionOptions()
    t.assertFalse(o.has_providers())
    o.add_provider("CPUExecutionProvider", {})
    o.add_provider_for_devices(ort.get_ep_devices(), {})
    t.assertTrue(o.has_providers())
    equal(t, session(o).get_providers(), ["CPUExecutionProvider"] * 2)
    o = ort.SessionOptions()
    o.add_provider("CUDAExecutionProvider")
    with t.assertRaises(ort.InvalidArgument):
        session(o)


def terminated(t):
    o = ort.RunOptions()
    o.terminate = True
    with t.assertRaises(ort.Fail):
        session().run(None, {"x": X}, o)


def node_hook(t):
    o, seen = ort.RunOptions(), []
    o.on_node = lambda name, op, made: seen.append((name, op, made[0].numpy().tolist()))
    session().run(None, {"x": X}, o)
    equal(t, seen, [("n", "Neg", (-X).tolist())])

    def failing(*args):
        raise KeyError("mine")
    o.on_node = failing
    with t.assertRaises(KeyError):
        session().run(None, {"x": X}, o)
    o.on_node = None
    session().run(None, {"x": X}, o)


def stage_hook(t):
    seen = []
    session(options(on_stage=lambda name, nodes: seen.append((name, nodes))))
    equal(t, (seen[0], seen[-1]), (("import", 1), ("final", 1)))


def log_callback(t):
    seen = []
    ort.set_default_logger_callback(lambda *a: seen.append(a), 2)
    try:
        graph = h.make_graph([h.make_node("Neg", ["x"], ["y"])], "g", [h.make_tensor_value_info("x", T.FLOAT, [])], [h.make_tensor_value_info("y", T.FLOAT, [])])
        newer = h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=9)
        newer.ir_version = 99
        data = newer.SerializeToString()
        ort.InferenceSession(data)
        t.assertTrue(any(a[0] == 2 and "IR version 99" in a[4] for a in seen), seen)
        count = len(seen)
        ort.InferenceSession(data, options(log_severity_level=3))
        equal(t, len(seen), count)
    finally:
        ort.set_default_logger_callback(None)


def value(array=X):
    return ort.OrtValue.ortvalue_from_numpy(array)


def sparse():
    return ort.SparseTensor.sparse_coo_from_numpy([2, 3], np.float32([5, 6]), np.int64([1, 5]), ort.OrtDevice.make("cpu", 0))


def csr():
    return ort.SparseTensor.sparse_csr_from_numpy([2, 3], np.float32([5, 6]), np.int64([1, 2]), np.int64([0, 1, 2]), ort.OrtDevice.make("cpu", 0))


def dlpack_out(t):
    v = value(np.array(X))
    seen = np.from_dlpack(v)
    equal(t, seen.ctypes.data, v.data_ptr())
    read_only = np.array(X)
    read_only.flags.writeable = False
    with t.assertRaises(BufferError):
        value(read_only).__dlpack__()
    t.assertFalse(np.from_dlpack(value(read_only)).flags.writeable)
    copied = v.__dlpack__(copy=True)
    t.assertNotEqual(ort.OrtValue.from_dlpack(copied).data_ptr(), v.data_ptr())


def dlpack_in(t):
    import gc
    import ml_dtypes
    x = np.array(X)
    v = ort.OrtValue.from_dlpack(x)
    equal(t, v.data_ptr(), x.ctypes.data)
    v = ort.OrtValue.from_dlpack(value(np.float32([1, 2]).astype(ml_dtypes.bfloat16)))
    equal(t, (v.element_type(), v.numpy().astype(np.float32).tolist()), (16, [1, 2]))
    gc.collect()
    equal(t, ort.OrtValue.from_dlpack(np.uint8([1, 0]), is_bool_tensor=True).numpy().tolist(), [True, False])
    capsule = x.__dlpack__()
    ort.OrtValue.from_dlpack(capsule)
    with t.assertRaises(ort.InvalidArgument):
        ort.OrtValue.from_dlpack(capsule)
    with t.assertRaises(ort.InvalidArgument):
        ort.OrtValue.from_dlpack(np.zeros((4, 4), np.float32).T[1:])
    # A model takes what exports DLPack.
    class Foreign:
        def __dlpack__(self, **kwargs):
            return x.__dlpack__(**kwargs)

        def __dlpack_device__(self):
            return (1, 0)
    np.testing.assert_array_equal(session().run(None, {"x": Foreign()})[0], -x)


def updates(t):
    x = np.array(X)
    v = value(x)
    v.update_inplace(np.float32([[7, 8, 9]]))
    equal(t, x.tolist(), [[7, 8, 9]])
    v.update_inplace(value(X))
    equal(t, x.tolist(), X.tolist())
    with t.assertRaises(ort.InvalidArgument):
        v.update_inplace(np.float32([1]))


def with_onnx_type(t):
    v = ort.OrtValue.ortvalue_from_numpy_with_onnx_type(np.uint16([0x3f80]), T.BFLOAT16)
    equal(t, (v.data_type(), float(v.numpy()[0])), ("tensor(bfloat16)", 1.0))
    with t.assertRaises(ort.InvalidArgument):
        ort.OrtValue.ortvalue_from_numpy_with_onnx_type(np.uint8([1]), T.FLOAT)


def sparse_model(t):
    for made in (sparse(), csr()):
        v = ort.OrtValue.ort_value_from_sparse_tensor(made)
        equal(t, (v.is_sparse_tensor(), v.data_type(), v.shape()), (True, "sparse_tensor(float)", [2, 3]))
        equal(t, v.as_sparse_tensor().values().tolist(), [5, 6])
        equal(t, v.as_sparse_tensor().as_coo_view().indices().tolist(), [1, 5])


def custom(t):
    @ort.custom_op("Twice", domain="names.test", types={"x": "float32", "y": "x"})
    def twice(x):
        return x * 2
    graph = h.make_graph([h.make_node("Twice", ["x"], ["y"], domain="names.test")], "g", [h.make_tensor_value_info("x", T.FLOAT, [3])],
                         [h.make_tensor_value_info("y", T.FLOAT, [3])])
    data = h.make_model(graph, opset_imports=[h.make_opsetid("", 21), h.make_opsetid("names.test", 1)], ir_version=9).SerializeToString()
    equal(t, ort.InferenceSession(data).run(None, {"x": X[0]})[0].tolist(), [2, -4, 6])
    t.assertTrue(ort.unregister_custom_op("Twice", "names.test"))
    t.assertFalse(ort.unregister_custom_op("Twice", "names.test"))


def settings(t):
    o = ort.SessionOptions()
    for key, value, back in [("hint", "memory", "memory"), ("threads", 2, 2), ("accuracy", "strict", "strict"), ("deterministic", True, True),
                             ("memory_cap", "1M", 1 << 20), ("cache_dir", "/tmp/cache", "/tmp/cache"), ("weight_cache", True, True),
                             ("log_level", "warning", "warning")]:
        setattr(o, key, value)
        equal(t, getattr(o, key), back)
    np.testing.assert_array_equal(session(o).run(None, {"x": X})[0], -X)
    equal(t, [k for k, _, _ in ort.config_keys()], ["hint", "threads", "accuracy", "deterministic", "memory_cap", "cache_dir", "weight_cache", "log_level"])


def install(t):
    code = ("import anyrt; anyrt.install_as_onnxruntime(); import onnxruntime as o\n"
            "from onnxruntime.capi.onnxruntime_pybind11_state import Fail; from onnxruntime.capi import _pybind_state as C\n"
            "from onnxruntime.capi.onnxruntime_inference_collection import OrtValue\nprint(o.__name__, C.get_all_providers()[0])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    equal(t, done.stdout.split(), ["anyrt", "CPUExecutionProvider"])


def op_library(t):
    """The example in C, and a library that only onnxruntime could load."""
    import shutil
    cc = shutil.which("cc")
    if not cc:
        t.skipTest("no C compiler")
    built, foreign = t.path / "running_max.so", t.path / "foreign.so"
    subprocess.run([cc, "-shared", "-fPIC", f"-I{ROOT / 'include'}", ROOT / "examples" / "custom_op_c" / "running_max.c", "-o", built], check=True)
    o = ort.SessionOptions()
    o.register_custom_ops_library(str(built))
    graph = h.make_graph([h.make_node("RunningMax", ["x"], ["y"], domain="example.ops")], "g", [h.make_tensor_value_info("x", T.FLOAT, ["n"])],
                         [h.make_tensor_value_info("y", T.FLOAT, None)])
    data = h.make_model(graph, opset_imports=[h.make_opsetid("", 21), h.make_opsetid("example.ops", 1)], ir_version=9).SerializeToString()
    equal(t, ort.InferenceSession(data, o).run(None, {"x": np.float32([1, 3, 2, 5])})[0].tolist(), [1, 3, 3, 5])
    source = t.path / "foreign.c"
    source.write_text("void *RegisterCustomOps(void *options, const void *api) { return options ? 0 : (void *)api; }")
    subprocess.run([cc, "-shared", "-fPIC", source, "-o", foreign], check=True)
    with t.assertRaises(ort.NotImplemented) as caught:
        ort.SessionOptions().register_custom_ops_library(str(foreign))
    t.assertIn("custom_op.h", str(caught.exception))
    with t.assertRaises(ort.NotFound):
        ort.SessionOptions().register_custom_ops_library("/no/such/library.so")


def training(t):
    ort.RunOptions().training_mode = True


def timeout(t):
    o = ort.RunOptions()
    o.timeout = 1e-9
    with t.assertRaises(TimeoutError):
        session().run(None, {"x": X}, o)


def run_cap(t):
    o = ort.RunOptions()
    o.memory_cap = 8
    with t.assertRaises(MemoryError):
        session().run(None, {"x": np.zeros((1000, 3), np.float32)}, o)


def attribute(name, value):
    """An option that is set and read back, and a session that runs with it."""
    def call(t):
        o = options(**{name: value})
        equal(t, getattr(o, name), value)
        np.testing.assert_array_equal(session(o).run(None, {"x": X})[0], -X)
    return call


def run_attribute(name, value):
    def call(t):
        o = ort.RunOptions()
        setattr(o, name, value)
        equal(t, getattr(o, name), value)
        np.testing.assert_array_equal(session().run(None, {"x": X}, o)[0], -X)
    return call


def raised(kind, make):
    def call(t):
        with t.assertRaises(kind) as caught:
            make()
        t.assertIsInstance(caught.exception, ort.Error)
    return call


INSTANCES = {"NodeArg": lambda: session().get_inputs()[0], "ModelMetadata": lambda: session().get_modelmeta(), "SessionOptions": ort.SessionOptions,
             "RunOptions": ort.RunOptions}
META = {"producer_name": "test", "graph_name": "g", "domain": "d", "description": "doc", "graph_description": "about g", "version": 7,
        "custom_metadata_map": {"key": "value"}}
ARG = {"name": "x", "type": "tensor(float)", "shape": ["N", 3]}
MEMORY = lambda: ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)  # noqa: E731

CALLS = {
    "InferenceSession.run": run_twice,
    "InferenceSession.run_async": run_async,
    "InferenceSession.run_with_ort_values": lambda t: np.testing.assert_array_equal(session().run_with_ort_values(["y"], {"x": value()})[0].numpy(), -X),
    "InferenceSession.run_with_iobinding": binding,
    "InferenceSession.run_with_ortvaluevector": vector_run,
    "InferenceSession.io_binding": binding,
    "InferenceSession.get_inputs": lambda t: equal(t, [a.name for a in session().get_inputs()], ["x"]),
    "InferenceSession.get_outputs": lambda t: equal(t, [a.name for a in session().get_outputs()], ["y"]),
    "InferenceSession.get_overridable_initializers": lambda t: equal(t, session().get_overridable_initializers(), []),
    "InferenceSession.get_modelmeta": lambda t: equal(t, session().get_modelmeta().version, 7),
    "InferenceSession.get_providers": lambda t: equal(t, session().get_providers(), ["CPUExecutionProvider"]),
    "InferenceSession.get_provider_options": lambda t: equal(t, session().get_provider_options(), {"CPUExecutionProvider": {}}),
    "InferenceSession.set_providers": lambda t: session().set_providers(["CPUExecutionProvider"]),
    "InferenceSession.get_session_options": lambda t: t.assertIsInstance(session().get_session_options(), ort.SessionOptions),
    "InferenceSession.end_profiling": profiling,
    "InferenceSession.get_profiling_start_time_ns": lambda t: equal(t, session().get_profiling_start_time_ns(), 0),
    "InferenceSession.enable_fallback": lambda t: session().enable_fallback(),
    "InferenceSession.disable_fallback": lambda t: session().disable_fallback(),
    "InferenceSession.get_input_memory_infos": lambda t: equal(t, session().get_input_memory_infos()[0].name, "Cpu"),
    "InferenceSession.get_output_memory_infos": lambda t: equal(t, session().get_output_memory_infos()[0].name, "Cpu"),
    "InferenceSession.get_input_epdevices": lambda t: equal(t, session().get_input_epdevices()[0].ep_name, "CPUExecutionProvider"),
    "InferenceSession.get_provider_graph_assignment_info": lambda t: session().get_provider_graph_assignment_info(),
    "InferenceSession.set_ep_dynamic_options": lambda t: session().set_ep_dynamic_options({"a": "b"}),
    "InferenceSession.get_tuning_results": lambda t: equal(t, session().get_tuning_results(), []),
    "InferenceSession.set_tuning_results": lambda t: session().set_tuning_results([{}]),
    "InferenceSession.explain": lambda t: t.assertIn("Neg", session().explain()),
    **{f"NodeArg.{k}": (lambda k: lambda t: equal(t, getattr(session().get_inputs()[0], k), ARG[k]))(k) for k in ARG},
    **{f"ModelMetadata.{k}": (lambda k: lambda t: equal(t, getattr(session().get_modelmeta(), k), META[k]))(k) for k in META},
    "SessionOptions.enable_cpu_mem_arena": attribute("enable_cpu_mem_arena", False),
    "SessionOptions.enable_mem_pattern": attribute("enable_mem_pattern", False),
    "SessionOptions.enable_mem_reuse": attribute("enable_mem_reuse", False),
    "SessionOptions.enable_profiling": profiling,
    "SessionOptions.profile_file_prefix": profiling,
    "SessionOptions.optimized_model_filepath": saves,
    "SessionOptions.logid": attribute("logid", "id"),
    "SessionOptions.log_severity_level": log_callback,
    "SessionOptions.log_verbosity_level": attribute("log_verbosity_level", 1),
    "SessionOptions.use_per_session_threads": attribute("use_per_session_threads", False),
    "SessionOptions.intra_op_num_threads": attribute("intra_op_num_threads", 2),
    "SessionOptions.inter_op_num_threads": attribute("inter_op_num_threads", 2),
    "SessionOptions.execution_mode": attribute("execution_mode", ort.ExecutionMode.ORT_PARALLEL),
    "SessionOptions.execution_order": attribute("execution_order", ort.ExecutionOrder.PRIORITY_BASED),
    "SessionOptions.graph_optimization_level": lambda t: saves(t, ort.GraphOptimizationLevel.ORT_DISABLE_ALL),
    "SessionOptions.use_deterministic_compute": attribute("use_deterministic_compute", True),
    "SessionOptions.add_session_config_entry": lambda t: ort.SessionOptions().add_session_config_entry("session.disable_prepacking", "1"),
    "SessionOptions.get_session_config_entry": raised(ort.RuntimeException, lambda: ort.SessionOptions().get_session_config_entry("session.disable_prepacking")),
    "SessionOptions.add_provider": providers_of_options,
    "SessionOptions.add_provider_for_devices": providers_of_options,
    "SessionOptions.has_providers": providers_of_options,
    "SessionOptions.set_provider_selection_policy": lambda t: ort.SessionOptions().set_provider_selection_policy(ort.OrtExecutionProviderDevicePolicy.PREFER_NPU),
    "SessionOptions.set_provider_selection_policy_delegate": lambda t: ort.SessionOptions().set_provider_selection_policy_delegate(lambda *a: []),
    "SessionOptions.set_load_cancellation_flag": cancelled_load,
    "SessionOptions.add_free_dimension_override_by_name": fixed_dimension,
    "SessionOptions.add_free_dimension_override_by_denotation": denoted_dimension,
    "SessionOptions.register_custom_ops_library": op_library,
    "SessionOptions.add_initializer": replaced_initializer,
    "SessionOptions.add_external_initializers": external_initializers,
    "SessionOptions.add_external_initializers_from_files_in_memory": external_in_memory,
    "SessionOptions.set_ep_context_data_read_func": lambda t: ort.SessionOptions().set_ep_context_data_read_func(print),
    "SessionOptions.clear_ep_context_data_read_func": lambda t: ort.SessionOptions().clear_ep_context_data_read_func(),
    "SessionOptions.set": settings,
    "SessionOptions.get": settings,
    "SessionOptions.on_stage": stage_hook,
    "SessionOptions.disabled_passes": lambda t: session(options(disabled_passes=["fold_constants"])).run(None, {"x": X}),
    **{f"SessionOptions.{k}": settings for k in ("hint", "threads", "accuracy", "deterministic", "memory_cap", "cache_dir", "weight_cache", "log_level")},
    "RunOptions.terminate": terminated,
    "RunOptions.log_severity_level": run_attribute("log_severity_level", 3),
    "RunOptions.log_verbosity_level": run_attribute("log_verbosity_level", 1),
    "RunOptions.logid": run_attribute("logid", "id"),
    "RunOptions.training_mode": training,
    "RunOptions.only_execute_path_to_fetches": run_attribute("only_execute_path_to_fetches", True),
    "RunOptions.add_run_config_entry": lambda t: ort.RunOptions().add_run_config_entry("gpu_graph_id", "1"),
    "RunOptions.get_run_config_entry": raised(ort.RuntimeException, lambda: ort.RunOptions().get_run_config_entry("gpu_graph_id")),
    "RunOptions.add_active_adapter": lambda t: ort.RunOptions().add_active_adapter(None),
    "RunOptions.timeout": timeout,
    "RunOptions.memory_cap": run_cap,
    "RunOptions.on_node": node_hook,
    "OrtValue.ortvalue_from_numpy": lambda t: equal(t, value().numpy().tolist(), X.tolist()),
    "OrtValue.ortvalue_from_numpy_with_onnx_type": with_onnx_type,
    "OrtValue.ortvalue_from_shape_and_type": lambda t: equal(t, ort.OrtValue.ortvalue_from_shape_and_type([2], T.INT64).numpy().tolist(), [0, 0]),
    "OrtValue.ort_value_from_sparse_tensor": sparse_model,
    "OrtValue.as_sparse_tensor": sparse_model,
    "OrtValue.from_dlpack": dlpack_in,
    "OrtValue.__dlpack__": dlpack_out,
    "OrtValue.__dlpack_device__": lambda t: equal(t, value().__dlpack_device__(), (1, 0)),
    "OrtValue.data_ptr": lambda t: equal(t, value().data_ptr(), X.ctypes.data),
    "OrtValue.device_name": lambda t: equal(t, value().device_name(), "cpu"),
    "OrtValue.shape": lambda t: equal(t, value().shape(), [1, 3]),
    "OrtValue.data_type": lambda t: equal(t, value().data_type(), "tensor(float)"),
    "OrtValue.element_type": lambda t: equal(t, value().element_type(), T.FLOAT),
    "OrtValue.has_value": lambda t: equal(t, value().has_value(), True),
    "OrtValue.is_tensor": lambda t: equal(t, value().is_tensor(), True),
    "OrtValue.is_sparse_tensor": lambda t: equal(t, value().is_sparse_tensor(), False),
    "OrtValue.is_tensor_sequence": lambda t: equal(t, ort.OrtValue.ortvalue_from_sequence([X, X]).is_tensor_sequence(), True),
    "OrtValue.ortvalue_from_sequence": lambda t: equal(t, len(ort.OrtValue.ortvalue_from_sequence([X, value()]).to_sequence()), 2),
    "OrtValue.to_sequence": lambda t: equal(t, ort.OrtValue.ortvalue_from_sequence([X]).to_sequence()[0].tolist(), X.tolist()),
    "OrtValue.numpy": lambda t: equal(t, value().numpy().dtype, np.float32),
    "OrtValue.update_inplace": updates,
    "OrtValue.tensor_size_in_bytes": lambda t: equal(t, value().tensor_size_in_bytes(), 12),
    "OrtValueVector.push_back": lambda t: ort.OrtValueVector().push_back(value()),
    "OrtValueVector.to_dlpacks": lambda t: equal(t, ort.OrtValueVector([value(np.array(X))]).to_dlpacks(ort.OrtValue.from_dlpack)[0].shape(), [1, 3]),
    "OrtValueVector.dlpack_at": lambda t: ort.OrtValueVector([value(np.array(X))]).dlpack_at(0),
    "OrtValueVector.element_type_at": lambda t: equal(t, ort.OrtValueVector([value()]).element_type_at(0), 1),
    "OrtValueVector.reserve": lambda t: ort.OrtValueVector().reserve(3),
    "OrtValueVector.shrink_to_fit": lambda t: ort.OrtValueVector().shrink_to_fit(),
    "IOBinding.bind_cpu_input": binding,
    "IOBinding.bind_input": lambda t: binding(t, bind_input=lambda b: b.bind_input("x", "cpu", 0, T.FLOAT, [1, 3], X.ctypes.data)),
    "IOBinding.bind_ortvalue_input": lambda t: binding(t, bind_input=lambda b: b.bind_ortvalue_input("x", value())),
    "IOBinding.bind_output": bound_output_memory,
    "IOBinding.bind_ortvalue_output": bound_ortvalue,
    "IOBinding.synchronize_inputs": binding,
    "IOBinding.synchronize_outputs": binding,
    "IOBinding.get_outputs": binding,
    "IOBinding.get_outputs_as_ortvaluevector": binding,
    "IOBinding.copy_outputs_to_cpu": binding,
    "IOBinding.clear_binding_inputs": lambda t: clearing(t, True),
    "IOBinding.clear_binding_outputs": lambda t: clearing(t, False),
    "OrtDevice.make": raised(ort.NotImplemented, lambda: ort.OrtDevice.make("cuda", 0)),
    "OrtDevice.device_id": lambda t: equal(t, ort.OrtDevice.make("cpu", 0).device_id(), 0),
    "OrtDevice.device_type": lambda t: equal(t, ort.OrtDevice().device_type(), "cpu"),
    "OrtDevice.device_mem_type": lambda t: equal(t, ort.OrtDevice().device_mem_type(), 0),
    "OrtDevice.device_vendor_id": lambda t: equal(t, ort.OrtDevice().device_vendor_id(), 0),
    "OrtDevice.cpu": lambda t: equal(t, ort.OrtDevice.cpu(), 0),
    "OrtDevice.default_memory": lambda t: equal(t, ort.OrtDevice.default_memory(), 0),
    "SparseTensor.sparse_coo_from_numpy": lambda t: equal(t, sparse().as_coo_view().indices().tolist(), [1, 5]),
    "SparseTensor.sparse_csr_from_numpy": lambda t: equal(t, csr().as_csrc_view().outer().tolist(), [0, 1, 2]),
    "SparseTensor.values": lambda t: equal(t, csr().values().tolist(), [5, 6]),
    "SparseTensor.as_coo_view": raised(ort.InvalidArgument, lambda: csr().as_coo_view()),
    "SparseTensor.as_csrc_view": lambda t: equal(t, csr().as_csrc_view().inner().tolist(), [1, 2]),
    "SparseTensor.as_blocksparse_view": lambda t: sparse().as_blocksparse_view(),
    "SparseTensor.to_cuda": lambda t: sparse().to_cuda(None),
    "SparseTensor.format": lambda t: equal(t, (sparse().format().name, csr().format().name), ("ORT_SPARSE_COO", "ORT_SPARSE_CSRC")),
    "SparseTensor.dense_shape": lambda t: equal(t, sparse().dense_shape().tolist(), [2, 3]),
    "SparseTensor.data_type": lambda t: equal(t, sparse().data_type(), "sparse_tensor(float)"),
    "SparseTensor.device_name": lambda t: equal(t, sparse().device_name(), "cpu"),
    "ModelCompiler.compile_to_file": lambda t: compiler(t, "file"),
    "ModelCompiler.compile_to_bytes": lambda t: compiler(t, "bytes"),
    "ModelCompiler.compile_to_stream": lambda t: compiler(t, "stream"),
    "ModelCompiler.set_ep_context_binary_information": lambda t: ort.ModelCompiler(ort.SessionOptions(), model()).set_ep_context_binary_information("a", "b"),
    "ModelCompiler.set_ep_context_data_write_func": lambda t: ort.ModelCompiler(ort.SessionOptions(), model()).set_ep_context_data_write_func(print),
    "ModelCompiler.clear_ep_context_data_write_func": lambda t: ort.ModelCompiler(ort.SessionOptions(), model()).clear_ep_context_data_write_func(),
    "OrtMemoryInfo": lambda t: equal(t, MEMORY().name, "Cpu"),
    "OrtEpDevice": lambda t: equal(t, ort.get_ep_devices()[0].memory_info().name, "Cpu"),
    "get_available_providers": lambda t: equal(t, ort.get_available_providers(), ["CPUExecutionProvider"]),
    "get_all_providers": lambda t: t.assertIn("CPUExecutionProvider", ort.get_all_providers()),
    "get_device": lambda t: equal(t, ort.get_device(), "CPU"),
    "get_version_string": lambda t: equal(t, ort.get_version_string(), ort.__version__),
    "get_build_info": lambda t: t.assertIn("anyrt", ort.get_build_info()),
    "has_collective_ops": lambda t: equal(t, ort.has_collective_ops(), False),
    "set_seed": seeds,
    "set_default_logger_severity": raised(ort.InvalidArgument, lambda: ort.set_default_logger_severity(9)),
    "set_default_logger_verbosity": lambda t: ort.set_default_logger_verbosity(0),
    "set_default_logger_callback": log_callback,
    "set_global_thread_pool_sizes": lambda t: ort.set_global_thread_pool_sizes(2, 2),
    "create_and_register_allocator": lambda t: ort.create_and_register_allocator(MEMORY(), ort.OrtArenaCfg({"max_mem": 0})),
    "create_and_register_allocator_v2": lambda t: ort.create_and_register_allocator_v2("CPUExecutionProvider", MEMORY(), {}, ort.OrtArenaCfg(0, -1, -1, -1)),
    "register_execution_provider_library": lambda t: ort.register_execution_provider_library("a", "b"),
    "unregister_execution_provider_library": lambda t: ort.unregister_execution_provider_library("a"),
    "get_ep_devices": lambda t: equal(t, ort.get_ep_devices()[0].device.type, ort.OrtHardwareDeviceType.CPU),
    "get_hardware_devices": lambda t: equal(t, ort.get_hardware_devices()[0].type, ort.OrtHardwareDeviceType.CPU),
    "get_model_compatibility_for_ep_devices": lambda t: equal(t, int(ort.get_model_compatibility_for_ep_devices(ort.get_ep_devices(), "")), 0),
    "copy_tensors": lambda t: ort.copy_tensors([value()], [value(np.zeros((1, 3), np.float32))], None),
    "enable_telemetry_events": lambda t: ort.enable_telemetry_events(),
    "disable_telemetry_events": lambda t: ort.disable_telemetry_events(),
    "preload_dlls": lambda t: ort.preload_dlls(cuda=True),
    "print_debug_info": lambda t: subprocess.run([sys.executable, "-c", "import anyrt; anyrt.print_debug_info()"], check=True, capture_output=True),
    "config_keys": settings,
    "custom_op": custom,
    "unregister_custom_op": custom,
    "install_as_onnxruntime": install,
    "Fail": terminated,
    "InvalidArgument": raised(ort.InvalidArgument, lambda: session().run(None, {})),
    "NoSuchFile": raised(ort.NoSuchFile, lambda: ort.InferenceSession("/none.onnx")),
    "NoModel": raised(ort.NoModel, lambda: ort.InferenceSession(b"")),
    "RuntimeException": run_cap,
    "InvalidProtobuf": raised(ort.InvalidProtobuf, lambda: ort.InferenceSession(b"\x00garbage")),
    "InvalidGraph": raised(ort.InvalidGraph, lambda: ort.InferenceSession(model("Relu", nope=1))),
    "NotImplemented": raised(ort.NotImplemented, lambda: ort.InferenceSession(model("NoSuchOperator"))),
    "ModelLoadCanceled": cancelled_load,
    "NotFound": raised(ort.NotFound, lambda: session().end_profiling()),
}

if __name__ == "__main__":
    unittest.main()
