#!/usr/bin/env python3
"""Runs the onnx package's own backend tests through anyrt.backend and through onnxruntime.backend and prints how many pass.

    PYTHONPATH=build/test/python .venv/bin/python bench/onnx_backend.py [--engine anyrt] [--json FILE] [--failures]

Tests whose models are downloaded are left out. A test is one of the CPU; those of other devices are not counted."""

import argparse
import importlib
import io
import json
import subprocess
import sys
import unittest
import warnings

GROUPS = ["OnnxBackendNodeModelTest", "OnnxBackendSimpleModelTest", "OnnxBackendPyTorchConvertedModelTest",
          "OnnxBackendPyTorchOperatorModelTest"]


class Quiet(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed = []

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed.append(test.id())


def count(engine):
    """{group: (passed, failed, {test: message})}"""
    from onnx.backend.test.runner import Runner
    backend = importlib.import_module(f"{engine}.backend")
    cases = Runner(getattr(backend, "AnyrtBackend", backend), __name__).test_cases
    groups = {}
    for group in GROUPS:
        if group not in cases:
            continue
        loader = unittest.TestLoader()
        suite = unittest.TestSuite(t for t in loader.loadTestsFromTestCase(cases[group]) if t.id().endswith("_cpu"))
        result = Quiet()
        suite.run(result)
        bad = {t.id().split(".")[-1]: text.strip().splitlines()[-1] for t, text in result.failures + result.errors}
        groups[group] = (len(result.passed), len(bad), bad)
        for test, reason in result.skipped:
            bad[test.id().split(".")[-1]] = f"skipped: {reason}"
        groups[group] = (len(result.passed), len(bad), bad)
    return groups


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=["anyrt", "onnxruntime"], help="only this one")
    parser.add_argument("--json", help="write counts and failures to this file")
    parser.add_argument("--failures", action="store_true", help="list what failed")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    results = {}
    if args.engine:
        results[args.engine] = count(args.engine)
    else:  # in a process of its own each: a crash is then one engine's
        for engine in ("anyrt", "onnxruntime"):
            path = f"/tmp/onnx_backend_{engine}_{id(results)}.json"
            subprocess.run([sys.executable, __file__, "--engine", engine, "--json", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                with open(path) as f:
                    results.update(json.load(f)["engines"])
            except OSError:
                print(f"{engine}: ended without a result")
    import onnx
    if args.json:
        with open(args.json, "w") as f:
            json.dump({"onnx": onnx.__version__, "engines": results}, f, indent=1)
    print(f"onnx {onnx.__version__}")
    for engine, groups in results.items():
        passed, failed = (sum(g[i] for g in groups.values()) for i in (0, 1))
        parts = ", ".join(f"{name.removeprefix('OnnxBackend').removesuffix('ModelTest')} {g[0]}/{g[0] + g[1]}" for name, g in groups.items())
        print(f"{engine}: {passed} passed, {failed} failed ({parts})")
        if args.failures:
            for g in groups.values():
                for test, reason in sorted(g[2].items()):
                    print(f"  {test}: {reason[:160]}")


if __name__ == "__main__":
    main()
