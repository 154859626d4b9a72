"""Times by operator: anyrt through `anyrt bench --profile`, ONNX Runtime through its own profiler."""
import collections
import json
import os
import pathlib
import subprocess
import tempfile

import numpy as np

from . import stats, table


def anyrt_profile(engine, model, files, threads, runs):
    """JSON of `anyrt bench --profile`, or a text that says what went wrong."""
    options = [o for o in engine.options if o != "--rounds-from-stdin"]
    command = [*engine.command, str(model), "--threads", str(threads), *options, "--profile", "--json", "--runs", str(runs)]
    for name, file in files.items():
        command += ["-i", f"{name}={file}"]
    done = subprocess.run(command, capture_output=True, text=True, env=engine.environment, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr.strip()


def ort_profile(model, arrays, threads, runs):
    """[(operator, node, microseconds)] of the median run, or a text that says what is missing."""
    try:
        import onnxruntime
    except ImportError:
        return "onnxruntime is not installed"
    with tempfile.TemporaryDirectory(prefix="anyrt-bench-") as folder:
        o = onnxruntime.SessionOptions()
        o.intra_op_num_threads, o.enable_profiling, o.log_severity_level = threads, True, 3
        o.profile_file_prefix = os.path.join(folder, "ort")
        session = onnxruntime.InferenceSession(str(model), o, providers=["CPUExecutionProvider"])
        for _ in range(runs + 2):
            session.run(None, arrays)
        events = json.loads(pathlib.Path(session.end_profiling()).read_text(encoding="utf-8"))
    spent = collections.defaultdict(list)
    for e in events:
        args = e.get("args") or {}
        if e.get("cat") == "Node" and e["name"].endswith("_kernel_time"):
            spent[args["op_name"], e["name"].removesuffix("_kernel_time")].append(e["dur"])
    return [(op, name, stats.median(v[2:] or v)) for (op, name), v in spent.items()]


def by_operator(rows):
    """[[operator, nodes, microseconds, share]] from (operator, microseconds), largest first."""
    total, sums, counts = 0.0, collections.Counter(), collections.Counter()
    for op, us in rows:
        sums[op] += us
        counts[op] += 1
        total += us
    return [[op, counts[op], f"{us:.1f}", f"{100 * us / total:.1f} %" if total else "-"] for op, us in sums.most_common()]


def profile(model, anyrt, threads, runs):
    path = model.prepare()
    arrays = model.input_arrays()
    with tempfile.TemporaryDirectory(prefix="anyrt-bench-") as folder:
        files = {}
        for k, (name, array) in enumerate(arrays.items()):
            files[name] = os.path.join(folder, f"{k}.npy")
            np.save(files[name], np.ascontiguousarray(array))
        ours = anyrt_profile(anyrt, path, files, threads, runs)
    out = [f"== {model.name}, {threads} thread{'s' if threads > 1 else ''}"]
    header = ["operator", "nodes", "us", "share"]
    if isinstance(ours, str):
        out.append(f"anyrt: {ours}")
    else:
        rows = [(n["op"], (n["ns"] or 0) / 1e3) for n in ours["nodes"]]
        out.append(f"anyrt: {ours['total_ns'] / 1e3:.1f} us a run; nodes one by one {sum(us for _, us in rows):.1f} us\n" + table.text_table(header, by_operator(rows)))
        slow = sorted(ours["nodes"], key=lambda n: -(n["ns"] or 0))[:10]
        out.append(table.text_table(["slowest nodes of anyrt", "us", "Gflop/s"],
                                    [[n["name"], f"{(n['ns'] or 0) / 1e3:.1f}", f"{(n['flops'] or 0) / n['ns']:.1f}" if n["ns"] else "-"] for n in slow]))
    theirs = ort_profile(path, arrays, threads, runs)
    if isinstance(theirs, str):
        out.append(f"onnxruntime: {theirs}")
    else:
        out.append(f"onnxruntime: nodes {sum(us for *_, us in theirs):.1f} us\n" + table.text_table(header, by_operator([(op, us) for op, _, us in theirs])))
        out.append(table.text_table(["slowest nodes of onnxruntime", "us"],
                                    [[f"{op} {name}", f"{us:.1f}"] for op, name, us in sorted(theirs, key=lambda r: -r[2])[:10]]))
    return "\n\n".join(out) + "\n"
