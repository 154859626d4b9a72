"""The wheel: built as pip builds it, installed into an empty venv, and used there."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))
import docs_test  # noqa: E402


def run(*command, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **kwargs)
    if done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        cls.env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", cls.path / "wheels", ROOT, env=cls.env)
        (cls.wheel,) = (cls.path / "wheels").glob("anyrt-*.whl")
        run(sys.executable, "-m", "venv", cls.path / "venv")
        cls.python = cls.path / "venv" / "bin" / "python"
        run(cls.python, "-m", "pip", "install", "-q", cls.wheel, env=cls.env)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_contents(self):
        names = zipfile.ZipFile(self.wheel).namelist()
        for name in ("anyrt/__init__.py", "anyrt/_anyrt.pyi", "anyrt/py.typed", "anyrt/_names.tsv", "anyrt/backend.py"):
            self.assertIn(name, names)
        self.assertEqual([n for n in names if not n.startswith("anyrt")], [])
        (extension,) = [n for n in names if n.endswith(".so")]
        tags = self.wheel.name.split("-")[2:4]
        if sys.version_info < (3, 12):
            self.assertEqual(tags, [f"cp3{sys.version_info.minor}"] * 2)
        else:
            self.assertEqual(tags, ["cp312", "abi3"])
        self.assertLess(zipfile.ZipFile(self.wheel).getinfo(extension).file_size, 12 << 20)

    def test_listing_of_the_readme(self):
        docs_test.write_models(self.path)
        listing = docs_test.blocks(ROOT / "README.md")[0]
        out = run(self.python, "-c", listing, cwd=self.path, env=self.env)
        self.assertIn("array(", out)

    def test_metadata(self):
        out = run(self.python, "-m", "pip", "show", "anyrt", env=self.env)
        self.assertIn("Requires: numpy", out)
        self.assertIn("works", run(self.python, "-c", "import anyrt._options as o; print(o._table()['OrtValue'][0])", env=self.env))

    def test_only_the_module_function_is_exported(self):
        extension = run(self.python, "-c", "import anyrt; print(anyrt._anyrt.__file__)", env=self.env).strip()
        symbols = run("nm", "-D", "--defined-only", extension).split()[2::3]
        self.assertEqual(symbols, ["PyInit__anyrt"])

    def test_stable_abi_of_3_10(self):
        folder = self.path / "abi3"
        run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", folder, ROOT, "--config-settings=cmake.define.ANYRT_PYTHON_ABI3=ON",
            "--config-settings=wheel.py-api=cp310", "--config-settings=build-dir=build/wheel-abi3", env=self.env)
        (wheel,) = folder.glob("anyrt-*-cp310-abi3-*.whl")
        run(sys.executable, "-m", "venv", folder / "venv")
        python = folder / "venv" / "bin" / "python"
        run(python, "-m", "pip", "install", "-q", f"{wheel}[abi3]", env=self.env)
        docs_test.write_models(folder)
        self.assertIn("array(", run(python, "-c", docs_test.blocks(ROOT / "README.md")[0], cwd=folder, env=self.env))


if __name__ == "__main__":
    unittest.main()
