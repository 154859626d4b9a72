"""Memory of the Python package: flat over sessions and runs, weights once for all sessions of a model; and what a call costs."""
import pathlib
import subprocess
import sys
import unittest

import anyrt  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parents[1]


def figure(expression):
    """Evaluated in a process of its own, whose memory nothing else has touched."""
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'bench')!r}); from python_calls import *; print(repr({expression}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise AssertionError(done.stderr)
    return eval(done.stdout)


class Memory(unittest.TestCase):
    def test_sessions(self):
        self.assertLess(figure("growth_over_sessions(500)"), 1 << 20)

    def test_runs(self):
        self.assertLess(figure("growth_over_runs(50000)"), 1 << 20)

    def test_weights_once(self):
        size, first, others = figure("sessions_of_one_model(16)")
        self.assertLess(first, 1.5 * size)
        self.assertLess(others / 15, 0.15 * size)

    def test_the_memory_hint_holds_less(self):
        size, first, others = figure("sessions_of_one_model(16)")
        _, lean_first, lean_others = figure("sessions_of_one_model(16, 'memory')")
        self.assertLess(lean_first, first)
        self.assertLess(lean_others, 0.9 * others)  # what is freed need not leave the process at once

    def test_a_call_costs_less_than_the_peer_s(self):
        figures = figure("call_overhead(11, 1000)")
        if "onnxruntime" not in figures:
            self.skipTest("onnxruntime is not installed")
        self.assertLess(figures["anyrt"], 0.8 * figures["onnxruntime"])


if __name__ == "__main__":
    unittest.main()
