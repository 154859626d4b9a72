#!/usr/bin/env python3
"""The blocks of docs/c.md, docs/cpp.md and the README are compiled, as C99 and C++17 with warnings as errors, and run.

Needs Debian's Python and a compiler; uses libanyrt.so of build/test, or ANYRT_BUILD."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("ANYRT_BUILD", ROOT / "build/test"))

C_FRAME = """#include <anyrt/anyrt.h>
#include <stdio.h>
static anyrt_status* part(anyrt_session* session, const anyrt_value* x) {
(void)session;
(void)x;
{
%s
}
return NULL;
}
int main(void) {
  const int64_t dims[] = {1, 1, 12, 12};
  anyrt_session* session = NULL;
  anyrt_value* x = NULL;
  anyrt_status* status = anyrt_session_load("digits.onnx", NULL, &session);
  if (!status) status = anyrt_tensor_create(ANYRT_FLOAT32, dims, 4, &x);
  if (!status) status = part(session, x);
  if (status) fprintf(stderr, "%%s\\n", anyrt_status_message(status));
  anyrt_value_free(x);
  anyrt_session_free(session);
  return status != NULL;
}
"""
CPP_FRAME = """#undef NDEBUG
#include <anyrt/anyrt.hpp>
#include <cassert>
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>
static void part(anyrt::Session& session, const anyrt::Value& x) {
(void)session;
(void)x;
%s
}
int main() {
  anyrt::Session session("digits.onnx");
  part(session, anyrt::Value::zeros(ANYRT_FLOAT32, {1, 1, 12, 12}));
}
"""


def relu_model():
    """y = Relu(x) with x float32[n,3], as ONNX bytes."""
    def field(number, content):
        if isinstance(content, int):
            return bytes([number << 3, content])
        return bytes([number << 3 | 2, len(content)]) + content
    shape = field(1, field(2, b"n")) + field(1, field(1, 3))
    kind = field(1, field(1, 1) + field(2, shape))
    graph = field(1, field(1, b"x") + field(2, b"y") + field(4, b"Relu")) + field(2, b"g")
    graph += field(11, field(1, b"x") + field(2, kind)) + field(12, field(1, b"y") + field(2, kind))
    return field(1, 9) + field(7, graph) + field(8, field(1, b"") + field(2, 21))


class DocsTest(unittest.TestCase):
    def setUp(self):
        if not (BUILD / "libanyrt.so").exists():
            self.skipTest(f"{BUILD} has no libanyrt.so")

    def run_blocks(self, page, language, frame, compiler):
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.M | re.S)
        self.assertGreater(len(blocks), 3)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            shutil.copy(ROOT / "examples/digits/digits.onnx", folder)
            for number, block in enumerate(blocks, 1):
                with self.subTest(page=page, block=number):
                    self.run_program(folder, f"block{number}.{language}", block if "int main" in block else frame % block,
                                     compiler)

    def run_program(self, folder, name, text, compiler):
        source = folder / name
        source.write_text(text)
        program = source.with_suffix("")
        done = subprocess.run([*compiler, "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", f"-I{ROOT}/include",
                               str(source), f"-L{BUILD}", "-lanyrt", "-pthread", f"-Wl,-rpath,{BUILD}", "-o", str(program)],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = subprocess.run([str(program)], capture_output=True, text=True, cwd=folder, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")

    def test_c(self):
        self.run_blocks("c.md", "c", C_FRAME, ["cc", "-std=c99"])

    def test_cpp(self):
        self.run_blocks("cpp.md", "cpp", CPP_FRAME, ["c++", "-std=c++17"])

    def test_readme(self):
        (block,) = re.findall(r"^```cpp\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
        includes = [line for line in block.splitlines() if line.startswith("#")]
        rest = [line for line in block.splitlines() if not line.startswith("#")]
        text = "\n".join([*includes, "#include <vector>", "int main() {", "const std::vector<float> pixels = {-1, 2, 3};", *rest,
                          "return y == std::vector<float>{0, 2, 3} ? 0 : 1;", "}", ""])
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "model.onnx").write_bytes(relu_model())
            self.run_program(folder, "readme.cpp", text, ["c++", "-std=c++17"])


if __name__ == "__main__":
    unittest.main()
