"""Type information of the Python package: the extension's stub is true, every public name is annotated, mypy is content."""
import importlib.util
import inspect
import os
import pathlib
import subprocess
import sys
import tempfile
import typing
import unittest

import anyrt

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Types(unittest.TestCase):
    def test_stub_of_the_extension(self):
        subprocess.run([sys.executable, ROOT / "scripts" / "python_stub.py", "--check"], check=True)

    def test_public_names_are_annotated(self):
        bad = []

        def look(name, function):
            hints = typing.get_type_hints(function)
            wanted = [p for p in inspect.signature(function).parameters if p not in ("self", "cls")]
            bad.extend(f"{name}: {p}" for p in [*wanted, "return"] if p not in hints)

        import anyrt.as_onnxruntime
        import anyrt.backend
        for module in (anyrt, anyrt.backend, anyrt.as_onnxruntime):
            for name, thing in vars(module).items():
                where = getattr(thing, "__module__", "")
                if name.startswith("_") or not where.startswith("anyrt") or "._anyrt" in where:
                    continue
                if inspect.isfunction(thing):
                    look(name, thing)
                elif inspect.isclass(thing):
                    for member, value in vars(thing).items():
                        function = getattr(value, "__func__", value)
                        if inspect.isfunction(function) and not member.startswith("_"):
                            look(f"{name}.{member}", function)
        self.assertEqual(bad, [])
        self.assertTrue((pathlib.Path(anyrt.__file__).parent / "py.typed").exists())

    def mypy(self, *arguments, code=0):
        if importlib.util.find_spec("mypy") is None:
            self.skipTest("mypy is not installed")
        env = {**os.environ, "MYPYPATH": str(ROOT / "src" / "bindings" / "python")}
        done = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", os.path.join(tempfile.gettempdir(), f"anyrt-mypy-{os.getuid()}"), *arguments],
                              capture_output=True, text=True, env=env)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def test_mypy(self):
        self.mypy("--explicit-package-bases", str(ROOT / "src" / "bindings" / "python" / "anyrt"))

    def test_mypy_finds_mistakes_of_callers(self):
        with tempfile.TemporaryDirectory() as folder:
            good, bad = pathlib.Path(folder, "good.py"), pathlib.Path(folder, "bad.py")
            good.write_text("import anyrt as ort\no = ort.SessionOptions()\no.threads = 2\ns = ort.InferenceSession('m.onnx', o)\n"
                            "names: list[str] = [a.name for a in s.get_inputs()]\nout: list = s.run(None, {})\n")
            bad.write_text("import anyrt as ort\no = ort.SessionOptions()\no.threads = 'two'\ns = ort.InferenceSession('m.onnx', o)\ns.get_input()\n")
            self.mypy(str(good))
            found = self.mypy(str(bad), code=1)
            self.assertIn('"InferenceSession" has no attribute "get_input"', found)
            self.assertIn("Incompatible types in assignment", found)


if __name__ == "__main__":
    unittest.main()
