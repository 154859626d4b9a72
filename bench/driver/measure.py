"""Measures one model: interleaved rounds, starts, memory, differences."""
import math
import os
import shutil
import tempfile
import time

import numpy as np

from . import engines as eng
from . import stats


class Settings:
    rounds = 15
    round_ms = 40.0
    max_seconds = 120.0  # of rounds, for one model and thread count; fewer rounds (at least 3) where more would be needed
    starts = 5
    start_seconds = 60.0
    timeout = 300.0


def measure(model, anyrt, peers, thread_counts, settings, say):
    """Rows of the table for one model, one for each thread count."""
    folder = tempfile.mkdtemp(prefix="anyrt-bench-")
    try:
        path = model.prepare()
        files = {}
        for k, (name, array) in enumerate(model.input_arrays().items()):
            files[name] = os.path.join(folder, f"{k}.npy")
            np.save(files[name], np.ascontiguousarray(array))
        reference, origin = strict_reference(path, files, anyrt, peers, settings, folder)
        rows = []
        for threads in thread_counts:
            row = {"name": model.name, "family": model.family, "origin": model.origin, "threads": threads, "bytes": path.stat().st_size,
                   "reference": origin, "engines": {}, "ratios": {}}
            speed(row, path, files, anyrt, peers, threads, settings, reference, folder)
            if settings.starts:
                starts(row, path, files, [anyrt, *peers], threads, settings)
            rows.append(row)
            say(row)
        return rows
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def strict_reference(path, files, anyrt, peers, settings, folder):
    """Outputs of ONNX Runtime with optimisation off and one thread; of anyrt in its strict class without passes where that is missing."""
    for engine in peers:
        if engine.name != "onnxruntime":
            continue
        try:
            w = eng.Worker(engine, path, files, 1, settings.timeout, unoptimized=True)
        except eng.Failed:
            break
        try:
            return w.outputs(folder), "onnxruntime without optimisation"
        except eng.Failed:
            break
        finally:
            w.close()
    options = [o if o != "default" else "strict" for o in anyrt.options] + ["--no-passes"]
    strict = eng.Engine("anyrt", anyrt.command, anyrt.environment, options)
    try:
        w = eng.Worker(strict, path, files, 1, settings.timeout)
    except eng.Failed:
        return None, "none"
    try:
        return w.outputs(folder), "anyrt, strict, without passes"
    except eng.Failed:
        return None, "none"
    finally:
        w.close()


def speed(row, path, files, anyrt, peers, threads, settings, reference, folder):
    workers = {}
    try:
        for engine in [anyrt, *peers]:
            cell = row["engines"].setdefault(engine.name, {})
            try:
                w = eng.Worker(engine, path, files, threads, settings.timeout)
                workers[engine.name] = w
                if reference is not None:
                    cell["difference"] = eng.difference(reference, w.outputs(folder))
                w.round(1)
            except eng.Failed as e:
                cell["error"] = str(e)
                if w := workers.pop(engine.name, None):
                    w.close()
        interleave(row, workers, [p.name for p in peers if p.name in workers], settings)
    finally:
        for w in workers.values():
            w.close()


def interleave(row, workers, peers, settings):
    """peer, anyrt, peer, anyrt, …: each round of a peer is followed by one of anyrt and gives one ratio."""
    times = {name: [] for name in workers}
    least = {name: math.inf for name in workers}
    ratios = {p: [] for p in peers if "anyrt" in workers}
    runs, warm = {}, {}

    def one(name):
        w = workers[name]
        # Caches hold what the other engine used; long runs do not notice.
        if warm[name]:
            w.round(warm[name])
        mean, low = w.round(runs[name])
        times[name].append(mean)
        least[name] = min(least[name], low)
        return mean

    try:
        cost = 0.0
        for name, w in workers.items():
            ns = min(w.round(1)[0] for _ in range(2))
            runs[name] = max(1, math.ceil(settings.round_ms * 1e6 / ns))
            warm[name] = 0 if ns > 50e6 else max(1, math.ceil(runs[name] / 20))
            share = len(peers) if name == "anyrt" and peers else 1
            cost += ns * (runs[name] + warm[name]) * share / 1e9
        rounds = max(3, min(settings.rounds, int(settings.max_seconds / max(cost, 1e-9))))
        for _ in range(rounds):
            for peer in peers:
                theirs = one(peer)
                if "anyrt" in workers:
                    ratios[peer].append(theirs / one("anyrt"))
            if not peers and "anyrt" in workers:
                one("anyrt")
    except eng.Failed as e:
        row["engines"]["anyrt"]["error"] = f"stopped during the rounds: {e}"
        return
    for name, values in times.items():
        if values:
            row["engines"][name]["ms"] = {k: v / 1e6 if k != "n" else v for k, v in stats.summary(values).items()}
            row["engines"][name]["best_ms"] = least[name] / 1e6
    for peer, values in ratios.items():
        row["ratios"][peer] = {**stats.summary(values), "best": least[peer] / least["anyrt"]}


def starts(row, path, files, engines, threads, settings):
    """Fresh processes in turns: start to first result, session creation, peak memory; medians."""
    found = {e.name: [] for e in engines if "error" not in row["engines"].get(e.name, {})}
    end = time.monotonic() + settings.start_seconds
    for k in range(settings.starts):
        if k >= 3 and time.monotonic() > end:
            break
        for e in engines:
            if e.name not in found:
                continue
            try:
                found[e.name].append(eng.start_once(e, path, files, threads, settings.timeout))
            except (eng.Failed, OSError, ValueError, IndexError) as error:
                row["engines"][e.name]["start_error"] = str(error)
                del found[e.name]
    for name, values in found.items():
        for key in ("start_ms", "create_ms", "first_ms", "peak_bytes"):
            row["engines"][name][key] = stats.median([v[key] for v in values])
