#!/usr/bin/env bash
# Sanitizers, the oldest Clang, every instruction set, AArch64 and RISC-V under qemu, long fuzzing. Closes with the sum of all runs.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
total=(0 0 0)
run() { # run NAME COMMAND...: adds up the closing line of a test run
  local name=$1 line
  shift
  echo "== $name"
  "$@" 2>&1 | tee "build/nightly-$name.log"
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "build/nightly-$name.log" | tail -1)
  if [ -z "$line" ]; then
    echo "FAILED $name: no closing line"
    total[1]=$((total[1] + 1))
    return
  fi
  set -- ${line//,/}
  total=($((total[0] + $1)) $((total[1] + $3)) $((total[2] + ${5:-0})))
}
run full scripts/test.sh full
run python scripts/python_tests.sh test test/nightly/*_test.py
for sanitizer in asan ubsan tsan clang; do
  run "$sanitizer" scripts/test.sh "$sanitizer"
done
for isa in scalar sse4 avx2 avx512; do
  run "isa-$isa" env ANYRT_ISA="$isa" scripts/test.sh check
done
for arch in aarch64 riscv64; do
  run "$arch" scripts/test.sh "$arch"
done
for class in strict fast; do
  run "accuracy-$class" env ANYRT_ACCURACY="$class" scripts/test.sh check
done
run selective-build python3 test/nightly/selective_build_test.py
run fuzz scripts/fuzz.sh "${ANYRT_NIGHTLY_FUZZ_SECONDS:-600}"
echo "${total[0]} passed, ${total[1]} failed, ${total[2]} skipped"
[ "${total[1]}" -eq 0 ]
