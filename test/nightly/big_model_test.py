"""A model of more than 2 GB with external data: loads, runs, gives the right numbers, and weights are in memory once."""
import os
import pathlib
import resource
import struct
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper

import anyrt

N = 24000  # N * N floats are 2.3 GB; the file is sparse


def write_model(folder):
    data = folder / "w.bin"
    with open(data, "wb") as f:
        f.truncate(N * N * 4)
        for row, column, value in ((5, 7, 3.0), (N - 1, N - 1, -2.0)):
            f.seek(4 * (row * N + column))
            f.write(struct.pack("f", value))
    w = TensorProto(name="w", data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    w.dims.extend([N, N])
    for key, value in (("location", data.name), ("offset", "0"), ("length", str(N * N * 4))):
        entry = w.external_data.add()
        entry.key, entry.value = key, value
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, N])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, N])], [w])
    path = folder / "big.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


class BigModel(unittest.TestCase):
    def test_runs(self):
        if os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < 8 << 30:
            self.skipTest("needs 8 GB of memory")
        with tempfile.TemporaryDirectory() as folder:
            session = anyrt.InferenceSession(str(write_model(pathlib.Path(folder))))
            y = session.run(None, {"x": np.ones((1, N), np.float32)})[0]
            expected = np.zeros((1, N), np.float32)
            expected[0, 7], expected[0, N - 1] = 3, -2
            np.testing.assert_array_equal(y, expected)
            resident = int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            self.assertLess(resident, 1.2 * N * N * 4, "the weights are in memory more than once")
            print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, "MiB")


if __name__ == "__main__":
    unittest.main()
