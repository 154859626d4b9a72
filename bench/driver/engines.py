"""The engines as processes that all speak the protocol of `anyrt bench --rounds-from-stdin`."""
import glob
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import select
import signal
import subprocess
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKERS = ROOT / "build" / "bench-workers"


class Failed(Exception):
    """The engine does not run the model; says why."""


def build_worker(name):
    source, header = ROOT / "bench" / "workers" / f"{name}.cc", ROOT / "bench" / "workers" / "worker.h"
    target = WORKERS / name
    if not target.exists() or target.stat().st_mtime < max(source.stat().st_mtime, header.stat().st_mtime):
        WORKERS.mkdir(parents=True, exist_ok=True)
        part = WORKERS / f"{name}.{os.getpid()}"
        subprocess.run([os.environ.get("CXX", "c++"), "-O2", "-std=c++20", str(source), "-o", str(part), "-ldl", "-pthread"], check=True)
        part.rename(target)
    return str(target)


def library(package, pattern):
    """A shared library inside an installed Python package, or None."""
    spec = importlib.util.find_spec(package)
    if not spec or not spec.submodule_search_locations:
        return None
    found = sorted(glob.glob(os.path.join(spec.submodule_search_locations[0], pattern)))
    return found[0] if found else None


class Engine:
    """How to start one engine on a model."""

    def __init__(self, name, command, environment=None, options=()):
        self.name, self.command = name, command
        self.environment = {**os.environ, **(environment or {})}
        self.options = list(options)

    def arguments(self, model, inputs, threads, unoptimized=False):
        args = [*self.command, str(model), "--threads", str(threads), *self.options]
        if unoptimized:
            args.append("--unoptimized")
        for name, file in inputs.items():
            args += ["-i", f"{name}={file}"]
        return args


def anyrt_engine(program, isa, accuracy):
    options = ["--rounds-from-stdin", "--accuracy", accuracy]
    return Engine("anyrt", [program, "bench"], {"ANYRT_ISA": isa} if isa else None, options)


def peers(names):
    """Engines of the installed packages; says loudly which are missing."""
    found, missing = [], []
    for name, package, pattern in (("onnxruntime", "onnxruntime", "capi/libonnxruntime.so*"), ("openvino", "openvino", "libs/libopenvino_c.so*")):
        if name not in names:
            continue
        path = library(package, pattern)
        if path:
            worker = build_worker({"onnxruntime": "ort", "openvino": "openvino"}[name])
            # oneDNN inside OpenVINO; the f32 path does not use matrix extensions, int8 models would.
            found.append(Engine(name, [worker, path], {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI"}))
        else:
            missing.append(name)
    return found, missing


def versions():
    out = {}
    for name in ("onnxruntime", "openvino", "onnx", "numpy"):
        try:
            out[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return out


class Worker:
    """A running engine, stopped (SIGSTOP) whenever it is not asked: its idle threads then cannot disturb the others."""

    def __init__(self, engine, model, inputs, threads, timeout, unoptimized=False):
        self.engine, self.timeout = engine, timeout
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(engine.arguments(model, inputs, threads, unoptimized), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, env=engine.environment)
        self.text = b""
        try:
            self.ready = json.loads(self.line(timeout))
        except (ValueError, Failed) as e:
            self.close()
            raise e if isinstance(e, Failed) else Failed(f"unreadable first line: {e}") from e
        self.process.send_signal(signal.SIGSTOP)

    def line(self, timeout):
        out = self.process.stdout.fileno()
        while b"\n" not in self.text:
            ready, _, _ = select.select([out], [], [], timeout)
            if not ready:
                raise Failed(f"no answer within {timeout:g} s")
            block = os.read(out, 65536)
            if not block:
                raise Failed(self.last_words())
            self.text += block
        line, self.text = self.text.split(b"\n", 1)
        return line.decode()

    def last_words(self):
        code = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        text = lines[-1] if lines else ""
        return (f"killed by signal {-code} " if code < 0 else "") + (text or f"ended with status {code}")

    def ask(self, text):
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write((text + "\n").encode())
            self.process.stdin.flush()
            return self.line(self.timeout)
        except BrokenPipeError as e:
            raise Failed(self.last_words()) from e
        finally:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGSTOP)

    def round(self, runs):
        """(mean, least) nanoseconds of a run."""
        mean, least = self.ask(f"run {runs}").split()
        return float(mean), float(least)

    def outputs(self, folder):
        """Outputs in order: [(name, array or None)]; None where the engine's types are not numpy's."""
        prefix = os.path.join(folder, self.engine.name)
        if self.engine.name == "anyrt":
            self.ask(f"save {prefix}.npz")
            with np.load(prefix + ".npz", allow_pickle=False) as z:
                return [(name, z[name]) for name in z.files]
        self.ask(f"save {prefix}")
        out = []
        with open(prefix + ".txt", encoding="utf-8") as f:
            for i, line in enumerate(f):
                name, dtype, dims = line.rstrip("\n").split("\t")
                shape = [int(d) for d in dims.split(",")] if dims else []
                data = pathlib.Path(f"{prefix}.{i}.bin").read_bytes()
                out.append((name, (data, dtype, shape)))
        return [(name, decode(*value)) for name, value in out]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for f in (self.process.stdin, self.process.stdout, self.errors):
            try:
                f.close()
            except BrokenPipeError:
                pass


class Raw:
    """Bytes whose element type is known only from the reference."""

    def __init__(self, data, shape):
        self.data, self.shape = data, shape

    def as_type(self, dtype):
        if np.dtype(dtype).itemsize * int(np.prod(self.shape)) != len(self.data):
            return None
        return np.frombuffer(self.data, dtype).reshape(self.shape)


def decode(data, dtype, shape):
    return Raw(data, shape) if dtype == "?" else np.frombuffer(data, dtype).reshape(shape)


def difference(reference, outputs):
    """Largest difference of any output, by the largest magnitude of that output; 1 for each unequal element of other
    kinds; inf where NaN or infinities do not match or an output is missing."""
    worst = 0.0
    named = dict(outputs)
    for k, (name, want) in enumerate(reference):
        got = named.get(name, outputs[k][1] if k < len(outputs) else None)
        if isinstance(got, Raw):
            got = got.as_type(want.dtype)
        if got is None or got.shape != want.shape:
            return float("inf")
        if not np.issubdtype(want.dtype, np.floating):
            worst = max(worst, float(np.mean(got != want)) if want.size else 0.0)
            continue
        a, b = want.astype(np.float64), got.astype(np.float64)
        finite = np.isfinite(a)
        if not np.array_equal(finite, np.isfinite(b)) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
            return float("inf")
        if finite.any():
            scale = max(float(np.max(np.abs(a[finite]))), 1e-30)
            worst = max(worst, float(np.max(np.abs(a[finite] - b[finite]))) / scale)
    return worst


def start_once(engine, model, inputs, threads, timeout):
    """One start in a fresh process: {"start_ms", "create_ms", "first_ms", "peak_bytes"}."""
    launcher = build_worker("start")
    done = subprocess.run([launcher, *engine.arguments(model, inputs, threads)], capture_output=True, text=True, env=engine.environment,
                          timeout=timeout, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Failed(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"ended with status {done.returncode}")
    lines = done.stdout.splitlines()
    ready = json.loads(lines[1])
    return {"start_ms": int(lines[0]) / 1e6, **{k: ready[k] for k in ("create_ms", "first_ms", "peak_bytes")}}
