"""Runs every ```python block of the README and of docs/*.md, page by page and each page in one namespace, in a folder that holds the
models they name."""
import contextlib
import io
import os
import pathlib
import re
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M)


def write_models(folder):
    """model.onnx: [1,3,224,224] -> [1,4]; sizes.onnx: [batch,3] -> the same."""
    from onnx import TensorProto as T
    from onnx import helper as h
    weight = h.make_tensor("w", T.FLOAT, [3, 4], np.linspace(-1, 1, 12, dtype=np.float32))
    graph = h.make_graph([h.make_node("GlobalAveragePool", ["image"], ["mean"]), h.make_node("Flatten", ["mean"], ["flat"]),
                          h.make_node("MatMul", ["flat", "w"], ["scores"])], "small", [h.make_tensor_value_info("image", T.FLOAT, [1, 3, 224, 224])],
                         [h.make_tensor_value_info("scores", T.FLOAT, [1, 4])], [weight])
    (folder / "model.onnx").write_bytes(h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=9).SerializeToString())
    graph = h.make_graph([h.make_node("Relu", ["x"], ["y"], name="relu")], "sizes", [h.make_tensor_value_info("x", T.FLOAT, ["batch", 3])],
                         [h.make_tensor_value_info("y", T.FLOAT, ["batch", 3])])
    (folder / "sizes.onnx").write_bytes(h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=9).SerializeToString())


class Docs(unittest.TestCase):
    def test_pages(self):
        pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        found = 0
        before = os.getcwd()
        for page in pages:
            snippets = blocks(page)
            found += len(snippets)
            with self.subTest(page.name), tempfile.TemporaryDirectory() as folder:
                write_models(pathlib.Path(folder))
                os.chdir(folder)
                try:
                    names = {"__name__": "snippet"}
                    for i, snippet in enumerate(snippets):
                        with contextlib.redirect_stdout(io.StringIO()):
                            exec(compile(snippet, f"{page.name} block {i + 1}", "exec"), names)
                finally:
                    os.chdir(before)
        self.assertGreaterEqual(found, 8)


if __name__ == "__main__":
    unittest.main()
