#!/usr/bin/env python3
"""What make install and cpack give: programs are built against the installed tree, moved elsewhere, with find_package
and with pkg-config, in C99 and C++17, shared and static; the command, manual page, completion, symbols, .deb.

Needs Debian's Python, CMake and a compiler; uses build/test, or ANYRT_BUILD."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("ANYRT_BUILD", ROOT / "build/test"))
DIGITS = [str(ROOT / "examples/digits/digits.onnx"), str(ROOT / "examples/digits/pictures.npy")]


def shell(*args, env=None, cwd=None):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=600, cwd=cwd,
                          env={**os.environ, **(env or {})})
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, args))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def field(number, kind, payload):
    out = varint(number << 3 | kind)
    return out + (varint(payload) if kind == 0 else varint(len(payload)) + payload)


def varint(value):
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def running_max_model():
    """y = example.ops.RunningMax(x) with x float32[n,3]."""
    shape = field(1, 2, field(2, 2, b"n")) + field(1, 2, field(1, 0, 3))
    kind = field(1, 2, field(1, 0, 1) + field(2, 2, shape))
    node = field(1, 2, b"x") + field(2, 2, b"y") + field(4, 2, b"RunningMax") + field(7, 2, b"example.ops")
    graph = field(1, 2, node) + field(2, 2, b"g")
    graph += b"".join(field(n, 2, field(1, 2, name) + field(2, 2, kind)) for n, name in ((11, b"x"), (12, b"y")))
    opsets = field(8, 2, field(1, 2, b"") + field(2, 0, 21)) + field(8, 2, field(1, 2, b"example.ops") + field(2, 0, 1))
    return field(1, 0, 10) + field(7, 2, graph) + opsets


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not (BUILD / "libanyrt.so").exists():
            raise unittest.SkipTest(f"{BUILD} has no libanyrt.so")
        cls.folder = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.folder.name)
        shell("cmake", "--install", BUILD, "--prefix", cls.dir / "first")
        cls.prefix = cls.dir / "moved elsewhere"
        shutil.move(cls.dir / "first", cls.prefix)
        cls.lib = next(cls.prefix.glob("lib*/**/libanyrt.so")).parent
        cls.static = (cls.lib / "libanyrt.a").exists()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def check_digits(self, output):
        self.assertRegex(output, r"picture 0 shows a \d \(\d+ %\)")
        self.assertEqual(output.count("shows a"), 12)

    def cmake_builds(self, example, name, *settings):
        build = self.dir / name
        shell("cmake", "-S", ROOT / "examples" / example, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
              "-DCMAKE_BUILD_TYPE=Release", *settings)
        shell("cmake", "--build", build)
        return build

    def test_find_package(self):
        for example in ("c", "cpp"):
            build = self.cmake_builds(example, "cmake-" + example)
            self.check_digits(shell(build / "digits", *DIGITS))
            self.assertIn("libanyrt.so.0", shell("readelf", "-d", build / "digits"))

    def test_find_package_static(self):
        if not self.static:
            self.skipTest("built without ANYRT_STATIC_LIB")
        for example in ("c", "cpp"):
            build = self.cmake_builds(example, "static-" + example, "-Danyrt_USE_STATIC=ON")
            self.check_digits(shell(build / "digits", *DIGITS))
            self.assertNotIn("libanyrt", shell("readelf", "-d", build / "digits"))

    def test_find_package_refuses_other_versions(self):
        project = self.dir / "version"
        project.mkdir()
        (project / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.16)\nproject(p LANGUAGES C)\n"
                                                "find_package(anyrt 99 REQUIRED)\n")
        done = subprocess.run(["cmake", "-S", project, "-B", project / "b", f"-DCMAKE_PREFIX_PATH={self.prefix}"],
                              capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("99", done.stderr)

    def pkg_config(self, *args):
        return shell("pkg-config", *args, "anyrt", env={"PKG_CONFIG_PATH": str(self.lib / "pkgconfig")})

    def test_pkg_config(self):
        # A blank in the path is quoted with a backslash.
        flags = self.pkg_config("--cflags", "--libs").strip()
        for compiler, std, source in (("cc", "c99", "c/digits.c"), ("c++", "c++17", "cpp/digits.cpp")):
            program = self.dir / ("pkg-" + std)
            shell("sh", "-c", f"{compiler} -std={std} -pedantic -Wall -Wextra -Werror '{ROOT}/examples/{source}' {flags} "
                  f"-o '{program}'")
            self.check_digits(shell(program, *DIGITS, env={"LD_LIBRARY_PATH": str(self.lib)}))
        self.assertRegex(self.pkg_config("--modversion"), r"^\d+\.\d+\.\d+$")

    def test_pkg_config_static(self):
        if not self.static:
            self.skipTest("built without ANYRT_STATIC_LIB")
        flags = self.pkg_config("--cflags", "--libs", "--static").strip().replace("-lanyrt", "-l:libanyrt.a")
        program = self.dir / "pkg-static"
        shell("sh", "-c", f"cc -std=c99 '{ROOT}/examples/c/digits.c' {flags} -o '{program}'")
        self.check_digits(shell(program, *DIGITS))

    def test_custom_operators(self):
        build = self.cmake_builds("custom_op_c", "custom-op")
        model = self.dir / "running_max.onnx"
        model.write_bytes(running_max_model())
        anyrt = self.prefix / "bin/anyrt"
        out = shell(anyrt, "run", model, "--custom-ops", build / "running_max.so", "-i", "x=[[1,3,2]]")
        self.assertIn("1 3 3", " ".join(out.replace(",", " ").split()))
        self.assertIn("ok", shell(anyrt, "check", model, "--custom-ops", build / "running_max.so"))
        done = subprocess.run([anyrt, "check", model], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("RunningMax", done.stdout)

    def test_command_with_its_papers(self):
        anyrt = self.prefix / "bin/anyrt"
        self.assertRegex(shell(anyrt, "--version"), r"^\d+\.\d+\.\d+")
        page = (self.prefix / "share/man/man1/anyrt.1").read_text()
        for part in (".TH ANYRT 1", ".SH NAME", ".SS anyrt run", ".SS anyrt bench", ".SH EXIT STATUS", "\\-\\-top\\-k"):
            self.assertIn(part, page)
        shell("bash", "-n", self.prefix / "share/bash-completion/completions/anyrt")
        self.assertTrue((self.prefix / "share/zsh/site-functions/_anyrt").read_text().startswith("#compdef anyrt"))
        self.assertIn("complete -c anyrt", (self.prefix / "share/fish/vendor_completions.d/anyrt.fish").read_text())

    def test_symbols(self):
        library = self.lib / "libanyrt.so"
        names = [line.split()[-1] for line in shell("nm", "-D", "--defined-only", library).splitlines()]
        self.assertGreater(len(names), 50)
        self.assertEqual([n for n in names if not n.startswith("anyrt_")], [])
        header = (self.prefix / "include/anyrt/anyrt.h").read_text()
        for name in names:
            self.assertIn(name + "(", header, "exported, but not in anyrt.h")
        # Functions are only ever added, to both lists: programs that use one must go on finding it.
        recorded = (ROOT / "test/exported_symbols.txt").read_text().split()
        self.assertEqual(sorted(names), recorded)
        dynamic = shell("readelf", "-d", library)
        self.assertIn("soname: [libanyrt.so.0.1]", dynamic)
        self.assertNotIn("NODELETE", dynamic)
        self.assertNotIn("UNIQUE", shell("readelf", "-sW", library))

    def test_destdir(self):
        shell("cmake", "--install", BUILD, "--prefix", "/opt/anyrt", env={"DESTDIR": str(self.dir / "stage")})
        for name in ("bin/anyrt", "include/anyrt/anyrt.h", "include/anyrt/anyrt_version.h", "share/man/man1/anyrt.1"):
            self.assertTrue((self.dir / "stage/opt/anyrt" / name).exists(), name)
        self.assertFalse(pathlib.Path("/opt/anyrt").exists())

    def test_deb(self):
        if not shutil.which("dpkg-deb") or not shutil.which("dpkg-shlibdeps"):
            self.skipTest("dpkg is not installed")
        shell("cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", self.dir / "deb")
        (package,) = (self.dir / "deb").glob("anyrt_*.deb")
        self.assertRegex(shell("dpkg-deb", "-f", package, "Depends"), r"libc6.*")
        shell("dpkg-deb", "-x", package, self.dir / "unpacked")
        self.check_digits_command(self.dir / "unpacked/usr/bin/anyrt")
        for name in ("lib/libanyrt.so", "lib/pkgconfig/anyrt.pc", "lib/cmake/anyrt/anyrtConfig.cmake",
                     "share/man/man1/anyrt.1", "share/bash-completion/completions/anyrt", "share/doc/anyrt/LICENSE"):
            self.assertTrue((self.dir / "unpacked/usr" / name).exists(), name)

    def check_digits_command(self, anyrt):
        self.assertIn("probabilities", shell(anyrt, "run", DIGITS[0], "-i", DIGITS[1]))


if __name__ == "__main__":
    unittest.main()
