#!/usr/bin/env bash
# Compares all C and C++ sources with .clang-format; --fix rewrites them.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=clang-format-14
command -v "$tool" >/dev/null || tool=clang-format
"$tool" --version | grep -q 'version 14\.' || { echo "check_format: clang-format 14 is needed (Debian package clang-format-14)" >&2; exit 2; }
mode=(--dry-run -Werror --ferror-limit=1)
[ "${1:-}" = --fix ] && mode=(-i)
git ls-files -z --cached --others --exclude-standard -- '*.cc' '*.h' '*.hpp' '*.c' '*.cpp' |
  xargs -0 -r -n 16 -P "$(nproc)" "$tool" "${mode[@]}" 2>&1 | sed -n 's/: error: code should.*/: not formatted (make format)/p'
