"""The long forms of what test/python_memory_test.py checks in short."""
import pathlib
import sys
import unittest

import anyrt  # noqa: F401

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from python_memory_test import figure  # noqa: E402


class Long(unittest.TestCase):
    def test_a_thousand_sessions(self):
        self.assertLess(figure("growth_over_sessions(1000)"), 1 << 20)

    def test_a_million_runs(self):
        self.assertLess(figure("growth_over_runs(1000000)"), 1 << 20)

    def test_a_call_costs_at_most_half_of_the_peer_s(self):
        figures = figure("call_overhead()")
        if "onnxruntime" not in figures:
            self.skipTest("onnxruntime is not installed")
        self.assertLess(figures["anyrt"], 0.5 * figures["onnxruntime"])


if __name__ == "__main__":
    unittest.main()
