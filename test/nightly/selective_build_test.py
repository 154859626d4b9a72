#!/usr/bin/env python3
"""A library for one small convolution net (preset small, ANYRT_OPS): its size, results as those of the full build, and
what it says of other models. Builds below build/selective; needs build/test or build/release."""
import ctypes
import json
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build/selective"
MODEL = BUILD / "small_cnn.onnx"
MOST_BYTES = 1_500_000
FULL = next((p for p in (ROOT / "build/test/anyrt", ROOT / "build/release/anyrt") if p.exists()), None)


def shell(*args):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=3600, cwd=ROOT)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, args))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout + done.stderr


class SelectiveBuildTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if FULL is None:
            raise unittest.SkipTest("there is no full build")
        BUILD.mkdir(parents=True, exist_ok=True)
        shell("python3", "scripts/make_small_cnn.py", MODEL)
        shell("cmake", "--preset", "small", "-B", BUILD, f"-DANYRT_OPS={MODEL}", f"-DANYRT_HOST_COMMAND={FULL}")
        (BUILD / "libanyrt.so.0.1.0").unlink(missing_ok=True)
        cls.log = shell("cmake", "--build", BUILD, "--target", "anyrt_lib_shared")
        cls.lib = ctypes.CDLL(str(BUILD / "libanyrt.so"))
        for name in ("anyrt_status_message", "anyrt_tensor_data"):
            getattr(cls.lib, name).restype = ctypes.c_void_p
            getattr(cls.lib, name).argtypes = [ctypes.c_void_p]
        for name in ("anyrt_session_load", "anyrt_tensor_copy", "anyrt_session_run"):
            getattr(cls.lib, name).restype = ctypes.c_void_p

    def load(self, path):
        session = ctypes.c_void_p()
        status = self.lib.anyrt_session_load(str(path).encode(), None, ctypes.byref(session))
        return session, ctypes.string_at(self.lib.anyrt_status_message(status)).decode() if status else ""

    def test_size_is_printed(self):
        found = re.search(r"libanyrt\.so\S*: (\d+) bytes .* stripped", self.log)
        self.assertIsNotNone(found, self.log[-2000:])
        print(found.group(0), file=sys.stderr)
        self.assertLess(int(found.group(1)), MOST_BYTES)

    def test_results_are_those_of_the_full_build(self):
        count = 2 * 28 * 28
        data = (ctypes.c_float * count)(*[((i * 7919) % 1000) / 1000 for i in range(count)])
        with open(BUILD / "x.json", "w", encoding="ascii") as file:
            json.dump({"x": [[[[data[(n * 28 + r) * 28 + c] for c in range(28)] for r in range(28)]] for n in range(2)]}, file)
        shell(FULL, "run", MODEL, "-i", BUILD / "x.json", "-o", BUILD / "y.json")
        text = (BUILD / "y.json").read_text()
        numbers = [float(t) for t in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", text)]
        self.assertEqual(len(numbers), 20, text[:500])
        session, error = self.load(MODEL)
        self.assertEqual(error, "")
        dims, x, y = (ctypes.c_int64 * 4)(2, 1, 28, 28), ctypes.c_void_p(), ctypes.c_void_p()
        self.assertIsNone(self.lib.anyrt_tensor_copy(1, dims, ctypes.c_size_t(4), data, ctypes.c_size_t(4 * count),
                                                     ctypes.byref(x)))
        self.assertIsNone(self.lib.anyrt_session_run(session, None, None, ctypes.byref(x), ctypes.c_size_t(1), None,
                                                     ctypes.byref(y), ctypes.c_size_t(1)))
        got = ctypes.cast(self.lib.anyrt_tensor_data(y), ctypes.POINTER(ctypes.c_float))
        for i, want in enumerate(numbers):
            self.assertAlmostEqual(got[i], want, delta=1e-5)

    def test_other_models_are_refused(self):
        path = BUILD / "other.onnx"
        path.write_bytes(MODEL.read_bytes().replace(b"Softmax", b"Hardmax"))
        _, error = self.load(path)
        self.assertIn("operator Hardmax", error)
        self.assertIn("operators of chosen models only", error)

    def test_models_that_cannot_be_read_stop_the_configuration(self):
        done = subprocess.run(["cmake", "--preset", "small", "-B", BUILD / "bad", f"-DANYRT_OPS={ROOT / 'README.md'}",
                               f"-DANYRT_HOST_COMMAND={FULL}"], capture_output=True, text=True, cwd=ROOT)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cannot read the models", done.stderr)


if __name__ == "__main__":
    program = unittest.main(verbosity=2, exit=False)
    result = program.result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad - len(result.skipped)} passed, {bad} failed, {len(result.skipped)} skipped")
    sys.exit(bad > 0)
