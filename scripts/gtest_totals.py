#!/usr/bin/env python3
"""usage: gtest_totals.py RESULT_DIR PROGRAM...: sums up GoogleTest XML files; a program without one has crashed.

Prints each failing test, then one line "PASSED FAILED SKIPPED".
"""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def in_short(text):
    return " ".join(line.strip() for line in (text or "").splitlines()[:6])[:300]


def main():
    folder, programs = Path(sys.argv[1]), sys.argv[2:]
    passed = failed = skipped = 0
    for program in programs:
        try:
            root = ET.parse(folder / f"{program}.xml").getroot()
        except (OSError, ET.ParseError):
            print(f"FAILED {program}: it ended without a report (crash, time limit or failed to start)")
            failed += 1
            continue
        for case in root.iter("testcase"):
            failures = case.findall("failure")
            if failures:
                failed += 1
                print(f"FAILED {program}: {case.get('classname')}.{case.get('name')}: {in_short(failures[0].get('message'))}")
            elif case.find("skipped") is not None or case.get("result") == "skipped":
                skipped += 1
                print(f"skipped {program}: {case.get('classname')}.{case.get('name')}")
            elif case.get("status") == "run":
                passed += 1
    print(passed, failed, skipped)


if __name__ == "__main__":
    main()
