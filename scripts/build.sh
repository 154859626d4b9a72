#!/usr/bin/env bash
# usage: scripts/build.sh PRESET [TARGET...]: configures build/PRESET when that is needed and builds.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
if [ ! -f "build/$preset/build.ninja" ]; then
  mkdir -p "build/$preset"
  cmake --preset "$preset" >"build/$preset/configure.log" 2>&1 || { cat "build/$preset/configure.log" >&2; exit 1; }
  grep '^-- anyrt:' "build/$preset/configure.log"
fi
cmake --build "build/$preset" ${1:+--target "$@"}
