#!/usr/bin/env bash
# Builds and runs the micro-benchmarks of bench/; arguments go to each of them.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh bench
shopt -s nullglob
programs=(build/bench/bench/*_bench)
[ ${#programs[@]} -gt 0 ] || { echo "!!! bench/ holds no *_bench.cc: nothing measured" >&2; exit 1; }
for program in "${programs[@]}"; do
  echo "== ${program##*/}"
  "$program" "$@"
done
