#!/usr/bin/env python3
"""Figures of the Python interface: the cost of a call beside onnxruntime's, and memory over many sessions and runs.

    PYTHONPATH=build/test/python .venv/bin/python bench/python_calls.py [--sessions 1000] [--runs 1000000] [--json FILE]

A call is session.run of one Relu on 8 floats. Rounds of both engines alternate; the median of the rounds counts."""

import argparse
import gc
import json
import os
import pathlib
import statistics
import tempfile
import time

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h

import anyrt


def one_node():
    graph = h.make_graph([h.make_node("Relu", ["x"], ["y"])], "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 8])],
                         [h.make_tensor_value_info("y", T.FLOAT, [1, 8])])
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=9).SerializeToString()


def with_weights(megabytes=32):
    """y = x W with a W of that size, and a convolution whose kernel keeps weights in another form."""
    n = int((megabytes * 2**20 / 4) ** 0.5)
    w = np.random.default_rng(0).standard_normal((n, n), np.float32)
    k = np.random.default_rng(1).standard_normal((64, 64, 3, 3), np.float32)
    graph = h.make_graph([h.make_node("MatMul", ["x", "w"], ["y"]), h.make_node("Conv", ["p", "k"], ["q"], pads=[1, 1, 1, 1])], "g",
                         [h.make_tensor_value_info("x", T.FLOAT, [1, n]), h.make_tensor_value_info("p", T.FLOAT, [1, 64, 56, 56])],
                         [h.make_tensor_value_info("y", T.FLOAT, [1, n]), h.make_tensor_value_info("q", T.FLOAT, [1, 64, 56, 56])],
                         [h.make_tensor("w", T.FLOAT, w.shape, w.tobytes(), raw=True), h.make_tensor("k", T.FLOAT, k.shape, k.tobytes(), raw=True)])
    feed = {"x": np.ones((1, n), np.float32), "p": np.ones((1, 64, 56, 56), np.float32)}
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=9).SerializeToString(), feed


def resident():
    """Bytes of the process in memory, without those of mapped files."""
    fields = dict(line.split(":") for line in pathlib.Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return int(fields["RssAnon"].split()[0]) * 1024


def call_overhead(rounds=31, calls=2000):
    """Microseconds of a call: {engine: median}; only anyrt's where onnxruntime is not installed."""
    x = np.ones((1, 8), np.float32)
    engines = {"anyrt": anyrt.InferenceSession(one_node())}
    try:
        import onnxruntime
        engines["onnxruntime"] = onnxruntime.InferenceSession(one_node(), providers=["CPUExecutionProvider"])
    except ImportError:
        pass
    times = {name: [] for name in engines}
    feed = {"x": x}
    for _ in range(rounds):
        for name, session in engines.items():
            run = session.run
            start = time.perf_counter_ns()
            for _ in range(calls):
                run(None, feed)
            times[name].append((time.perf_counter_ns() - start) / calls / 1000)
    return {name: statistics.median(t) for name, t in times.items()}


def growth_over_sessions(count):
    """Bytes that making, running and dropping so many sessions leaves behind."""
    data, feed = one_node(), {"x": np.ones((1, 8), np.float32)}

    def work(n):
        for _ in range(n):
            anyrt.InferenceSession(data).run(None, feed)
        gc.collect()

    work(max(100, count // 10))
    before = resident()
    work(count)
    return resident() - before


def growth_over_runs(count):
    """Bytes that so many runs of one session leave behind."""
    session, feed = anyrt.InferenceSession(one_node()), {"x": np.ones((1, 8), np.float32)}

    def work(n):
        run = session.run
        for _ in range(n):
            run(None, feed)
        gc.collect()

    work(10000)
    before = resident()
    work(count)
    return resident() - before


def sessions_of_one_model(count, hint="latency"):
    """(bytes of the model's weights, bytes the first session takes, bytes that the others take together), each after a run."""
    data, feed = with_weights()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        pathlib.Path(path).write_bytes(data)
        size = len(data)
        del data
        gc.collect()
        options = anyrt.SessionOptions()
        options.hint = hint
        before = resident()
        sessions = [anyrt.InferenceSession(path, options)]
        sessions[0].run(None, feed)
        first = resident()
        for _ in range(count - 1):
            sessions.append(anyrt.InferenceSession(path, options))
            sessions[-1].run(None, feed)
        return size, first - before, resident() - first


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=1000000)
    parser.add_argument("--json")
    args = parser.parse_args()
    mib = 1 / 2**20
    figures = {"call_us": call_overhead(), "session_growth": growth_over_sessions(args.sessions), "run_growth": growth_over_runs(args.runs)}
    size, first, others = sessions_of_one_model(16)
    _, lean_first, lean_others = sessions_of_one_model(16, "memory")
    figures.update(model_bytes=size, first_session_bytes=first, other_15_sessions_bytes=others, lean_first_session_bytes=lean_first,
                   lean_other_15_sessions_bytes=lean_others)
    for name, us in figures["call_us"].items():
        print(f"{name}: {us:.2f} us a call")
    if "onnxruntime" in figures["call_us"]:
        print(f"  {figures['call_us']['anyrt'] / figures['call_us']['onnxruntime']:.2f} of onnxruntime's")
    print(f"{args.sessions} sessions made, run and dropped: {figures['session_growth'] * mib:+.2f} MiB")
    print(f"{args.runs} runs: {figures['run_growth'] * mib:+.2f} MiB")
    print(f"16 sessions of one model of {size * mib:.0f} MiB: the first {first * mib:.1f} MiB, the other 15 together {others * mib:.1f} MiB")
    print(f"  with hint=memory: the first {lean_first * mib:.1f} MiB, the other 15 together {lean_others * mib:.1f} MiB")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
