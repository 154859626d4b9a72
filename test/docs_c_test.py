#!/usr/bin/env python3
"""The blocks of docs/c.md and docs/cpp.md are compiled, as C99 and C++17 with warnings as errors, and run.

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


class DocsTest(unittest.TestCase):
    def run_blocks(self, page, language, frame, compiler):
        if not (BUILD / "libanyrt.so").exists():
            self.skipTest(f"{BUILD} has no libanyrt.so")
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.M | re.S)
        self.assertGreater(len(blocks), 3)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            shutil.copy(ROOT / "examples/digits/digits.onnx", folder)
            for number, block in enumerate(blocks, 1):
                with self.subTest(page=page, block=number):
                    source = folder / f"block{number}.{language}"
                    source.write_text(block if "int main" in block else frame % block)
                    program = folder / f"block{number}"
                    done = subprocess.run([*compiler, "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wno-unused-variable",
                                           f"-I{ROOT}/include", str(source), f"-L{BUILD}", "-lanyrt", "-pthread",
                                           f"-Wl,-rpath,{BUILD}", "-o", str(program)], capture_output=True, text=True)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    done = subprocess.run([str(program)], capture_output=True, text=True, cwd=folder, timeout=120)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    self.assertEqual(done.stderr, "")

    def test_c(self):
        self.run_blocks("c.md", "c", C_FRAME, ["cc", "-std=c99"])

    def test_cpp(self):
        self.run_blocks("cpp.md", "cpp", CPP_FRAME, ["c++", "-std=c++17"])


if __name__ == "__main__":
    unittest.main()
