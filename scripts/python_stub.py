#!/usr/bin/env python3
"""Writes the type stub of the Python extension, src/bindings/python/anyrt/_anyrt.pyi; --check only compares. Run it with the extension
on PYTHONPATH: PYTHONPATH=build/test/python .venv/bin/python scripts/python_stub.py"""

import importlib
import re
import sys
from pathlib import Path

from nanobind.stubgen import StubGen

STUB = Path(__file__).resolve().parent.parent / "src/bindings/python/anyrt/_anyrt.pyi"


def stub():
    gen = StubGen(importlib.import_module("anyrt._anyrt"))
    gen.put(gen.module)
    text = gen.get()
    # What Python objects come out depends on the model.
    text = re.sub(r"-> object\b", "-> Any", text)
    text = re.sub(r"outputs: object \| None, feeds: dict", "outputs: object | None, feeds: Any", text)
    text = re.sub(r"(def call\(self, [^)]*): dict", r"\1: Any", text)
    return "from typing import Any\n\n__version__: str\n\n" + text.lstrip()


def main():
    if sys.argv[1:] == ["--check"]:
        if STUB.read_text() != stub():
            sys.exit(f"{STUB.name} is not what scripts/python_stub.py writes")
        return
    STUB.write_text(stub())


if __name__ == "__main__":
    main()
