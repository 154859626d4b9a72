#!/usr/bin/env python3
"""Writes docs/onnxruntime-names.md from the table of the Python package; --check only compares."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "src/bindings/python/anyrt/_names.tsv"
PAGE = ROOT / "docs/onnxruntime-names.md"
HEAD = """# onnxruntime's names

Written from `src/bindings/python/anyrt/_names.tsv` by `scripts/name_table.py`; `test/python_names_test.py` calls every one of them.
*works*; *no effect*: accepted, for the reason given; *NotImplemented*: raises that error. {counts}
"""


def page():
    rows = [line.rstrip("\n").split("\t") for line in TABLE.open(encoding="utf-8") if not line.startswith("#")]
    states = [row[1] for row in rows]
    counts = "Of {} names {} work, {} have no effect, {} raise.".format(
        len(rows), states.count("works"), states.count("no effect"), states.count("NotImplemented"))
    text = HEAD.format(counts=counts)
    groups = [("Names", lambda n: " " not in n), ("Session config entries", lambda n: n.startswith("session ")),
              ("Run config entries", lambda n: n.startswith("run "))]
    for title, belongs in groups:
        text += f"\n## {title}\n\n| name | here | remark |\n|---|---|---|\n"
        for name, state, remark in rows:
            if belongs(name):
                text += f"| `{name.split(' ')[-1]}` | {state} | {remark} |\n"
    return text


def main():
    if sys.argv[1:] == ["--check"]:
        if PAGE.read_text(encoding="utf-8") != page():
            sys.exit("docs/onnxruntime-names.md is not what scripts/name_table.py writes")
        return
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
