#!/usr/bin/env python3
"""Checks the source tree: includes point to lower levels only (cmake/layers.txt), headers stay light, files stay short."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
MAX_LINES = 800
SOURCES = {".cc", ".h", ".c", ".hpp", ".cpp", ".inc", ".cu"}
SCRIPTS = {".py", ".sh", ".cmake"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
# Headers that a header of ours may not drag in, each with the reason.
HEAVY = [
    (re.compile(r"^nlohmann/"), "the JSON library"),
    (re.compile(r"^CLI/"), "the command line parser"),
    (re.compile(r"^toml\+\+"), "the TOML parser"),
    (re.compile(r"^hwy/|intrin\.h$|^arm_"), "SIMD"),
    (re.compile(r"^regex$|^iostream$"), "heavy standard headers"),
]
# Libraries that one translation unit of src/ includes.
ONCE = {"nlohmann/": "the JSON library", "CLI/": "the command line parser"}


def read_layers():
    """Folder pattern -> level, in the order of the file (an exact name before the pattern that also matches it)."""
    layers = []
    for line in (ROOT / "cmake/layers.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            level, pattern = line.split()
            layers.append((pattern, float(level)))
    return layers


def folder_of(path, layers):
    """(folder, level) of a path relative to src/, or None."""
    parts = path.split("/")
    for pattern, level in layers:
        if pattern.endswith("/*"):
            if len(parts) > 2 and parts[0] == pattern[:-2]:
                return "/".join(parts[:2]), level
        elif path.startswith(pattern + "/"):
            return pattern, level
    return None


def includes(path):
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def check_source(path, layers, errors, users):
    rel = path.relative_to(SRC).as_posix()
    own = folder_of(rel, layers)
    if own is None:
        errors.append(f"src/{rel}: its folder is not in cmake/layers.txt")
        return
    # Kernel sources that are compiled once for each instruction set end in -inl.h and are no interface.
    is_header = path.suffix in {".h", ".hpp"} and not path.name.endswith("-inl.h")
    for number, quote, name in includes(path):
        where = f"src/{rel}:{number}"
        if is_header:
            for pattern, what in HEAVY:
                if pattern.search(name):
                    errors.append(f"{where}: a header includes <{name}> ({what}); include it in a .cc file")
        for prefix in ONCE:
            if name.startswith(prefix) and not rel.endswith("_test.cc"):
                users.setdefault(prefix, []).append(where)
        other = folder_of(name, layers)
        if quote == "<" and other and (SRC / name).exists():
            errors.append(f'{where}: write "{name}" with quotes')
        if quote != '"':
            continue
        if other is None:
            generated = name in {"anyrt_version.h", "pass_selection.h"}
            if not (generated or (ROOT / "include" / name).exists()):
                errors.append(f'{where}: "{name}" is not a path from src/ or include/')
            continue
        if other[0] == own[0]:
            continue
        if other[1] >= own[1]:
            side = "of the same level" if other[1] == own[1] else "of a higher level"
            errors.append(f"{where}: {own[0]} (level {own[1]:g}) includes {other[0]} (level {other[1]:g}), a folder {side}")


def check_public_headers(errors):
    for path in sorted((ROOT / "include").rglob("*.h*")):
        for number, quote, name in includes(path):
            if quote == '"' and not (ROOT / "include" / name).exists() and name != "anyrt_version.h":
                errors.append(f'{path.relative_to(ROOT)}:{number}: "{name}" is not an installed header')
            for pattern, what in HEAVY:
                if pattern.search(name):
                    errors.append(f"{path.relative_to(ROOT)}:{number}: an installed header includes <{name}> ({what})")


def check_lengths(errors):
    for folder in ("src", "include", "bench", "test", "examples", "scripts", "cmake", "fuzz"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SOURCES | SCRIPTS and path.is_file():
                lines = path.read_bytes().count(b"\n")
                if lines > MAX_LINES:
                    errors.append(f"{path.relative_to(ROOT)}: {lines} lines, at most {MAX_LINES} are allowed")


def main():
    layers = read_layers()
    errors, users = [], {}
    count = 0
    for path in sorted(SRC.rglob("*")):
        if path.suffix in SOURCES and path.is_file() and "bindings/python" not in path.as_posix():
            check_source(path, layers, errors, users)
            count += 1
    for prefix, places in users.items():
        files = {place.rsplit(":", 1)[0] for place in places}
        if len(files) > 1:
            errors.append(f"{ONCE[prefix]} is included by {len(files)} files, one is allowed: {', '.join(sorted(files))}")
    check_public_headers(errors)
    check_lengths(errors)
    for error in errors:
        print(error, file=sys.stderr)
    print(f"check_layers: {count} files, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
