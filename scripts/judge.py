#!/usr/bin/env python3
"""Judges a log of `anyrt test` by test/known_failures.txt: prints "PASSED FAILED SKIPPED" and writes LOG.judged for people.
What a build was configured without counts as skipped.

usage: judge.py LOG CLOSING-LINE...
"""
import pathlib
import re
import sys

log = pathlib.Path(sys.argv[1])
closing = re.match(r"(\d+) passed, (\d+) failed", " ".join(sys.argv[2:]))
passed, failed = int(closing[1]), int(closing[2])
known = {}
for line in (pathlib.Path(__file__).parent.parent / "test" / "known_failures.txt").read_text().splitlines():
    if line and not line.startswith("#"):
        name, reason = line.split(None, 1)
        known[name] = reason
told, skipped = [], 0
for line in log.read_text(errors="replace").splitlines():
    if not re.match(r"\s*FAILED\b", line):
        continue
    names = [n for n in known if f"/{n}/" in line or line.endswith(f"/{n}")]
    if names:
        skipped += 1
        failed -= 1
        told.append(f"known failure {names[0]}: {known[names[0]]}")
    elif re.search(r"this build has no .* support \(ANYRT_\w+=OFF\)", line):
        skipped += 1
        failed -= 1
        told.append(line[:400].replace("FAILED", "skipped", 1))
    elif len(told) < 200:
        told.append(line[:400])
pathlib.Path(str(log) + ".judged").write_text("".join(t + "\n" for t in told))
print(passed, failed, skipped)
