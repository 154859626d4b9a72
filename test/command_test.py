#!/usr/bin/env python3
"""The command anyrt: --json and --help of every command, exit codes, and what it says when something is wrong.

Needs Debian's Python only; newest build/*/anyrt, or ANYRT."""
import glob
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIGITS = ROOT / "examples/digits/digits.onnx"
COMMANDS = {"bench", "cache", "check", "completion", "convert-opset", "devices", "dump", "explain", "info", "ops", "run", "test"}


def command():
    if "ANYRT" in os.environ:
        return os.environ["ANYRT"]
    built = sorted((p for p in glob.glob(str(ROOT / "build/*/anyrt")) if os.access(p, os.X_OK)), key=os.path.getmtime)
    if not built:
        raise unittest.SkipTest("the command anyrt is not built")
    return built[-1]


def anyrt(*args, **options):
    return subprocess.run([command(), *map(str, args)], capture_output=True, text=True, timeout=120, errors="replace", **options)


class CommandTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def fails(self, code, words, *args):
        """The command ends with this code and one line on stderr that has the words; nothing on stdout."""
        done = anyrt(*args)
        self.assertEqual(done.returncode, code, f"{args}: {done.stdout}{done.stderr}")
        for word in words.split("|"):
            self.assertIn(word, done.stdout + done.stderr, args)
        self.assertLess(len(done.stderr), 4000, args)

    def test_every_command_has_help_with_examples_and_exit_codes(self):
        listed = {c["name"] for c in json.loads(anyrt("completion", "--json").stdout)}
        self.assertGreaterEqual(listed, COMMANDS)
        for name in listed:
            done = anyrt(name, "--help")
            self.assertEqual(done.returncode, 0)
            for word in (f"anyrt {name}", "Examples:", "Exit codes:", "--json"):
                self.assertIn(word, done.stdout, name)

    def test_processes_share_packed_weights(self):
        def outputs(*flags, env=None):
            done = anyrt("run", DIGITS, "-i", ROOT / "examples/digits/pictures.npy", "--cache-dir", self.dir, "--log-level", "info", *flags,
                         env={**os.environ, **(env or {})})
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout[: done.stdout.index("loaded in")], done.stderr

        plain, said = outputs()
        self.assertNotIn("weight cache", said)
        written, said = outputs("--weight-cache")
        self.assertIn("written", said)
        mapped, said = outputs(env={"ANYRT_WEIGHT_CACHE": "1"})
        self.assertIn(" 0 B packed", said)
        self.assertEqual((plain, plain), (written, mapped))
        # Another instruction set packs in another form.
        self.assertIn(" 0 B mapped", outputs("--weight-cache", env={"ANYRT_ISA": "sse4"})[1])
        kept = json.loads(anyrt("cache", "--cache-dir", self.dir, "--json").stdout)
        self.assertEqual([f["model"] for f in kept["files"]], [str(DIGITS)] * len(kept["files"]))
        self.assertEqual(anyrt("cache", "--cache-dir", self.dir, "--clear").returncode, 0)
        self.assertEqual(json.loads(anyrt("cache", "--cache-dir", self.dir, "--json").stdout)["files"], [])

    def test_every_command_prints_json(self):
        runs = {
            "bench": [DIGITS, "--runs", "2", "--warmup", "0", "--dim", "N=1"], "cache": ["--cache-dir", self.dir], "check": [DIGITS], "completion": [], "devices": [],
            "convert-opset": [DIGITS, self.dir / "out.onnx"], "dump": [DIGITS, "--after", "final"], "explain": [DIGITS],
            "info": [DIGITS], "ops": ["Conv"], "run": [DIGITS, "-i", ROOT / "examples/digits/pictures.npy"]}
        for name, args in runs.items():
            done = anyrt(name, *args, "--json")
            self.assertEqual(done.returncode, 0, f"{name}: {done.stderr}")
            self.assertTrue(json.loads(done.stdout), name)
        done = anyrt("test", self.dir, "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["failed"]), (1, 1))

    def test_wrong_arguments(self):
        self.fails(2, "required")  # no command
        self.fails(2, "nosuch", "nosuch")
        self.fails(2, "--nosuch", "run", DIGITS, "--nosuch")
        self.fails(2, "model", "run")
        self.fails(2, "top-k", "run", DIGITS, "--top-k", "many")
        self.fails(2, "shell", "completion", "tcsh")

    def test_models_that_cannot_be_read(self):
        for name in ("run", "info", "check", "dump", "explain", "bench"):
            missing = self.dir / "missing.onnx"
            done = anyrt(name, missing)
            self.assertIn(done.returncode, (1, 3, 4), name)
            self.assertIn("missing.onnx", done.stdout + done.stderr, name)
            broken = self.dir / "broken.onnx"
            broken.write_bytes(DIGITS.read_bytes()[:5000])
            done = anyrt(name, broken)
            self.assertIn(done.returncode, (1, 3), name)
            self.assertIn("broken.onnx", done.stdout + done.stderr, name)
        self.fails(3, "empty.onnx", "run", self.empty("empty.onnx"))
        self.fails(4, "directory", "run", self.dir)

    def empty(self, name):
        (self.dir / name).write_bytes(b"")
        return self.dir / name

    def test_inputs_that_do_not_fit(self):
        (self.dir / "bad.json").write_text("[[1, 2], [3]]")
        (self.dir / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00")
        (self.dir / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        (self.dir / "wide.json").write_text("[1, 2, 3]")
        self.fails(4, "ragged|bad.json", "run", DIGITS, "-i", self.dir / "bad.json")
        self.fails(4, "bad.npy", "run", DIGITS, "-i", self.dir / "bad.npy")
        self.fails(4, "bad.png", "run", DIGITS, "-i", self.dir / "bad.png")
        self.fails(4, "nosuch", "run", DIGITS, "-i", "nosuch=random:1")
        self.fails(4, "nosuch.npy", "run", DIGITS, "-i", self.dir / "nosuch.npy")
        self.fails(4, "expected", "run", DIGITS, "-i", self.dir / "wide.json")
        self.fails(4, "nosuch", "run", DIGITS, "-i", "random:1", "--shape", "nosuch=1x2")
        self.fails(4, "nosuch", "run", DIGITS, "-i", "random:1", "--device", "nosuch")
        self.fails(4, "nosuch", "run", DIGITS, "-i", "random:1", "--outputs", "nosuch")
        self.fails(4, "labels.txt", "run", DIGITS, "-i", "random:1", "--labels", self.dir / "labels.txt")

    def test_outputs_that_cannot_be_written(self):
        pictures = ROOT / "examples/digits/pictures.npy"
        self.fails(4, "nowhere", "run", DIGITS, "-i", pictures, "-o", self.dir / "nowhere/out.npy")
        self.fails(4, ".xyz", "run", DIGITS, "-i", pictures, "-o", self.dir / "out.xyz")
        self.fails(4, "nosuch", "run", DIGITS, "-i", pictures, "-o", f"nosuch={self.dir}/out.npy")
        self.fails(4, "nowhere", "convert-opset", DIGITS, self.dir / "nowhere/out.onnx")

    def test_limits(self):
        pictures = ROOT / "examples/digits/pictures.npy"
        self.fails(6, "memory", "run", DIGITS, "-i", pictures, "--memory-cap", "1KiB")
        self.fails(6, "time", "run", DIGITS, "-i", pictures, "--time-limit", "0")
        self.fails(4, "lots", "run", DIGITS, "-i", pictures, "--memory-cap", "lots")

    def test_settings(self):
        """Flags of the same names as options and variables, in every command that makes a session; flags win over the environment."""
        pictures = ["-i", ROOT / "examples/digits/pictures.npy"]
        flags = ["--hint", "throughput", "--threads", "1", "--accuracy", "strict", "--deterministic", "--memory-cap", "1G", "--cache-dir", self.dir,
                 "--log-level", "error"]
        for command in (["run", DIGITS, *pictures], ["bench", DIGITS, *pictures, "--runs", "1"], ["info", DIGITS], ["explain", DIGITS],
                        ["test", ROOT / "examples/digits"]):
            done = anyrt(*command, *flags)
            self.assertIn(done.returncode, (0, 1), f"{command}: {done.stderr}")  # the folder may hold no recorded test
            for flag, allowed in (("--hint", "latency, throughput or memory"), ("--accuracy", "strict, default or fast"), ("--threads", "number"),
                                  ("--memory-cap", "suffix"), ("--log-level", "debug, info")):
                self.fails(4, f"{flag}|{allowed}", *command, flag, "wrong") if (command[0], flag) != ("bench", "--threads") else None
        one_kib = {**os.environ, "ANYRT_MEMORY_CAP": "1K"}
        self.assertEqual(anyrt("run", DIGITS, *pictures, env=one_kib).returncode, 6)
        self.assertEqual(anyrt("run", DIGITS, *pictures, "--memory-cap", "1G", env=one_kib).returncode, 0)
        done = anyrt("run", DIGITS, *pictures, env={**os.environ, "ANYRT_DETERMINISTIC": "perhaps"})
        self.assertEqual(done.returncode, 4)
        self.assertIn("ANYRT_DETERMINISTIC", done.stderr)

    def test_convert_opset(self):
        self.fails(4, "opset 99", "convert-opset", DIGITS, self.dir / "out.onnx", "--opset", "99")
        self.assertEqual(anyrt("convert-opset", DIGITS, self.dir / "out.onnx").returncode, 0)
        self.fails(4, "exists", "convert-opset", DIGITS, self.dir / "out.onnx")

    def test_stages_and_operators_that_are_not_there(self):
        self.fails(4, "nosuch", "dump", DIGITS, "--after", "nosuch")
        self.fails(4, "NoSuchOperator", "ops", "NoSuchOperator")
        self.fails(4, "nosuch", "explain", DIGITS, "--disable-pass", "nosuch")


if __name__ == "__main__":
    unittest.main()
