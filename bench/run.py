#!/usr/bin/env python3
"""Times anyrt against ONNX Runtime and OpenVINO on the model set; docs/benchmarks.md says how and what.

    bench/run.py --models resnet50,yolo --threads 1 --rounds 5    quick look
    bench/run.py --list                                           the models
    bench/run.py --models bert_base_s128 --profile                where the time goes, by operator
    bench/run.py --compare old.json new.json                      what changed between two results
"""
import argparse
import datetime
import fnmatch
import json
import os
import pathlib
import platform
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.driver import page, stats, table  # noqa: E402


def say(text):
    print(text, file=sys.stderr, flush=True)


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--models", default="", help="names, parts of names or patterns, separated by commas; default: all")
    p.add_argument("--families", default="", help="families, separated by commas; default: all")
    p.add_argument("--threads", default="1,2", help="thread counts (1,2)")
    p.add_argument("--rounds", type=int, default=15, help="rounds of each engine (15)")
    p.add_argument("--round-ms", type=float, default=40, help="least duration of a round (40)")
    p.add_argument("--max-seconds", type=float, default=120, help="of rounds for one model and thread count; fewer rounds beyond, at least 3 (120)")
    p.add_argument("--starts", type=int, default=0, help="fresh processes for start, creation and memory (0; 5 with --full)")
    p.add_argument("--timeout", type=float, default=300, help="seconds after which an engine has failed (300)")
    p.add_argument("--peers", default="onnxruntime,openvino", help="engines to compare with")
    p.add_argument("--anyrt", default=os.environ.get("ANYRT", ""), help="the command; default: build/release, else build/test")
    p.add_argument("--isa", default="vnni", help="ANYRT_ISA for anyrt: vnni leaves everything but AMX; '' for no limit")
    p.add_argument("--accuracy", default="default", help="accuracy class of anyrt")
    p.add_argument("--model-folder", default=os.environ.get("ANYRT_BENCH_MODELS", str(ROOT / "build" / "bench-models")),
                   help="where seeded models are kept (build/bench-models, or ANYRT_BENCH_MODELS)")
    p.add_argument("--full", action="store_true", help="with starts and memory")
    p.add_argument("--out", default="", help="folder for results.json, results.txt, results.md and results.html")
    p.add_argument("--compare", nargs="+", default=[], metavar="JSON", help="an old result to compare this run with; or two results: measures nothing")
    p.add_argument("--tolerance", type=float, default=0.05, help="change that --compare reports beyond the spread (0.05)")
    p.add_argument("--profile", action="store_true", help="times by operator for anyrt and ONNX Runtime instead")
    p.add_argument("--list", action="store_true", help="list the models")
    return p.parse_args()


def find_anyrt(text):
    for path in [text] if text else [ROOT / "build" / "release" / "anyrt", ROOT / "build" / "test" / "anyrt"]:
        if pathlib.Path(path).is_file():
            return str(path)
    sys.exit("bench: the command anyrt is not built (make build); --anyrt says where it is")


def chosen(models, names, families):
    wanted = [w for w in names.split(",") if w]
    kinds = [f for f in families.split(",") if f]
    out = [m for m in models if (not kinds or m.family in kinds)
           and (not wanted or any(fnmatch.fnmatch(m.name, w) or w in m.name for w in wanted))]
    for w in wanted:
        if not any(fnmatch.fnmatch(m.name, w) or w in m.name for m in models):
            sys.exit(f"bench: no model is called '{w}' (--list shows them)")
    return out


def report_comparison(old, new, tolerance):
    found = stats.compare(old, new, tolerance)
    print("\n== Compared with the older result (changes beyond the spread)\n")
    print(table.text_table(["model", "thr", "what", "old", "new", ""],
                           [[n, t, what, fmt(a), fmt(b), verdict] for n, t, what, a, b, verdict in found]) if found else "nothing changed")
    return sum(f[5] == "worse" for f in found)


def fmt(x):
    return table.number(x) if isinstance(x, (int, float)) and not isinstance(x, bool) else "" if x is None else str(x)


def load(path):
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def machine():
    name = ""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            name = line.split(":", 1)[1].strip()
            break
    return {"cpu": name, "processors": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()[0]}


def main():
    o = options()
    if len(o.compare) == 2:
        return 1 if report_comparison(load(o.compare[0]), load(o.compare[1]), o.tolerance) else 0
    if len(o.compare) > 2:
        sys.exit("bench: --compare takes one or two files")
    from bench.driver import engines, measure, models
    shared = pathlib.Path(os.environ.get("ANYRT_SHARED", ROOT.parent / "shared"))
    selected = chosen(models.all_models(pathlib.Path(o.model_folder), shared, say), o.models, o.families)
    if o.list:
        print(table.text_table(["model", "family", "origin", "file"], [[m.name, m.family, m.origin, m.path] for m in selected]))
        return 0
    anyrt = engines.anyrt_engine(find_anyrt(o.anyrt), o.isa, o.accuracy)
    threads = [int(t) for t in o.threads.split(",")]
    if o.profile:
        from bench.driver import profile
        for m in selected:
            for t in threads[:1]:
                print(profile.profile(m, anyrt, t, o.rounds))
        return 0
    peers, missing = engines.peers(o.peers.split(","))
    for name in missing:
        say(f"!!! {name} is NOT installed in this Python ({sys.executable}): no comparison with it")
    settings = measure.Settings()
    settings.rounds, settings.round_ms, settings.max_seconds, settings.timeout = o.rounds, o.round_ms, o.max_seconds, o.timeout
    settings.starts = o.starts or (5 if o.full else 0)
    names = [p.name for p in peers]
    result = {"format": 1, "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "machine": machine(),
              "versions": engines.versions(), "isa": o.isa, "accuracy": o.accuracy, "rounds": o.rounds, "peers": names, "rows": []}
    for m in selected:
        result["rows"] += measure.measure(m, anyrt, peers, threads, settings, lambda row: say(table.one_line(row, names)))
        if o.out:
            save(o.out, result, models.FAMILIES)
    print(table.as_text(result, models.FAMILIES))
    if o.out:
        say(f"results are in {o.out}")
    if o.compare and report_comparison(load(o.compare[0]), result, o.tolerance):
        return 1
    return 0


def save(folder, result, families):
    out = pathlib.Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    (out / "results.txt").write_text(table.as_text(result, families), encoding="utf-8")
    (out / "results.md").write_text(table.as_markdown(result, families), encoding="utf-8")
    (out / "results.html").write_text(page.as_html(result, families), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
