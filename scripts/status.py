#!/usr/bin/env python3
"""Writes docs/status.md from docs/requirements.tsv; --check only compares.

A row: issue, requirement, evidence, state (done, partly, open), separated by tabs. Evidence is '-' or a list separated by ';' of
  test:Suite.Name  a GoogleTest test in the tree (Name may be *)      op-case:DOMAIN/OP  the cases of an operator file
  make:TARGET      a target of the Makefile                           file:PATH          a file or folder of the tree
  cmd:NAME         a subcommand of anyrt                              fuzz:NAME          fuzz/NAME_fuzz.cc
What does not exist is an error, and so is 'done' or 'partly' without evidence. A row '# N <tab> title' names an issue.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs/requirements.tsv"
PAGE = ROOT / "docs/status.md"
STATES = ("done", "partly", "open")


def known_tests():
    tests = set()
    pattern = re.compile(r"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
    for folder in ("src", "test"):
        for path in (ROOT / folder).rglob("*_test.cc"):
            for suite, name in pattern.findall(path.read_text(errors="replace")):
                tests |= {f"{suite}.{name}", f"{suite}.*"}
    return tests


def exists(evidence, tests, targets):
    kind, _, name = evidence.partition(":")
    if kind == "test":
        return name in tests
    if kind == "make":
        return name in targets
    if kind == "file":
        return (ROOT / name).exists()
    if kind == "cmd":
        return any((ROOT / "src" / folder / name.replace("-", "_") / "cli.cc").exists() for folder in ("tools", "flows"))
    if kind == "fuzz":
        return (ROOT / "fuzz" / f"{name}_fuzz.cc").exists()
    if kind == "op-case":
        return (ROOT / "src/ops" / f"{name}.cc").exists()
    return False


def show(evidence):
    kind, _, name = evidence.partition(":")
    return {"make": f"`make {name}`", "cmd": f"`anyrt {name}`"}.get(kind, f"{kind} `{name}`")


def read_table(errors):
    tests = known_tests()
    makefile = (ROOT / "Makefile").read_text()
    targets = {t for line in re.findall(r"^([a-z][a-z0-9 ]*):", makefile, re.M) for t in line.split()}
    titles, rows = {}, {}
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        where = f"{TABLE.relative_to(ROOT)}:{number}"
        cells = line.split("\t")
        if line.startswith("# "):
            titles[cells[0][2:]] = cells[1]
            continue
        if len(cells) != 4 or cells[3] not in STATES:
            errors.append(f"{where}: expected issue, requirement, evidence, state ({', '.join(STATES)}), found {len(cells)} cells")
            continue
        issue, requirement, evidence, state = cells
        proofs = [] if evidence == "-" else [item.strip() for item in evidence.split(";")]
        for proof in proofs:
            if not exists(proof, tests, targets):
                errors.append(f"{where}: evidence '{proof}' does not exist in the tree")
        if state != "open" and not proofs:
            errors.append(f"{where}: state '{state}' without evidence")
        rows.setdefault(issue, []).append((requirement, proofs, state))
    return titles, rows


def render(titles, rows):
    lines = ["# Status", "", "Written by `scripts/status.py` from `docs/requirements.tsv`; edit that file.", ""]
    lines += ["| issue | done | partly | open |", "|---|---|---|---|"]
    for issue, items in rows.items():
        states = [state for _, _, state in items]
        lines.append(f"| {issue} {titles.get(issue, '')} | " + " | ".join(str(states.count(s)) for s in STATES) + " |")
    for issue, items in rows.items():
        lines += ["", f"## {issue}. {titles.get(issue, '')}", "", "| requirement | shown by | state |", "|---|---|---|"]
        for requirement, proofs, state in items:
            lines.append(f"| {requirement.replace('|', chr(92) + '|')} | {', '.join(map(show, proofs)) or '-'} | {state} |")
    return "\n".join(lines) + "\n"


def main():
    errors = []
    text = render(*read_table(errors))
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != text:
            errors.append("docs/status.md is stale: run scripts/status.py")
    elif not errors:
        PAGE.write_text(text)
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
