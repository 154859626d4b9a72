#!/usr/bin/env bash
# usage: scripts/test.sh check | full | asan | ubsan | tsan | clang | aarch64 | riscv64
#   check  debug build: source checks, unit tests, operator conformance     (make check)
#   full   release build: all of that, model zoo, Python tests, short fuzzing (make test, .ci/run)
#   asan, ubsan, tsan, clang: the build and tests of check under a sanitizer, or with Clang
#   aarch64, riscv64: cross-built release, unit tests and conformance under qemu's user emulation
# Prints every failing test by name and closes with "N passed, N failed, N skipped"; exit status 1 when one failed.
set -uo pipefail
cd "$(dirname "$0")/.."
mode=${1:-check}
case "$mode" in
  check) preset=debug ;;
  full) preset=test ;;
  asan | ubsan | tsan | clang | aarch64 | riscv64) preset=$mode ;;
  *) sed -n 2,7p "$0" >&2; exit 2 ;;
esac
emulator=()
program_limit=600
suite_limit=1800
case "$mode" in
  asan | ubsan | tsan) program_limit=1800 ;; # the reference runs whole models, ten times slower there
  aarch64 | riscv64)
    emulator=("qemu-$mode-static" -L "build/sysroot/$mode")
    program_limit=5400
    suite_limit=7200
    ;;
esac
shared=${ANYRT_SHARED:-$(cd .. && pwd)/shared}
export ANYRT_SHARED=$shared
export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1:detect_leaks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1 suppressions=$PWD/scripts/tsan.supp}
logs=build/$preset/test-logs
mkdir -p "$logs"
passed=0
failed=0
skipped=0
start=$SECONDS

note() { printf '%s\n' "-- [$((SECONDS - start)) s] $*"; }
count() { # count PASSED FAILED SKIPPED
  passed=$((passed + $1))
  failed=$((failed + $2))
  skipped=$((skipped + $3))
}
skip() { # skip COUNT REASON
  printf '!!! SKIPPED: %s\n' "$2" >&2
  count 0 0 "$1"
}
finish() {
  note done
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
  exit
}
step() { # step NAME COMMAND...: one test
  local name=$1
  shift
  if "$@" >"$logs/$name.log" 2>&1; then
    count 1 0 0
  else
    echo "FAILED $name:"
    tail -30 "$logs/$name.log"
    count 0 1 0
  fi
}

if [ "$mode" = check ] || [ "$mode" = full ]; then
  note source checks
  step check_layers python3 scripts/check_layers.py
  step check_format scripts/check_format.sh
  step status_page python3 scripts/status.py --check
  step name_table python3 scripts/name_table.py --check
fi

if [ ${#emulator[@]} -gt 0 ]; then
  note "cross compiler, qemu and libraries"
  scripts/cross_setup.sh "$mode"
  status=$?
  if [ "$status" -eq 3 ]; then
    skip 1 "everything on $mode: what it needs cannot be had here"
    finish
  elif [ "$status" -ne 0 ]; then
    echo "FAILED set-up of $mode"
    count 0 1 0
    finish
  fi
fi

note "building $preset"
if ! scripts/build.sh "$preset" >"$logs/build.log" 2>&1; then
  grep -E 'error|FAILED' "$logs/build.log" | head -40
  echo "FAILED build: see $logs/build.log"
  count 0 1 0
  finish
fi

note unit tests
rm -rf "build/$preset/test-results"
mapfile -t programs < <(ctest --test-dir "build/$preset" -N | sed -n 's/^ *Test *#[0-9]*: //p')
if [ ${#programs[@]} -gt 0 ]; then
  ctest --test-dir "build/$preset" -j "$(nproc)" --timeout "$program_limit" --output-on-failure >"$logs/unit.log" 2>&1 ||
    grep -E '^[^ ]+:[0-9]+: Failure|ERROR: |runtime error:|WARNING: ThreadSanitizer' "$logs/unit.log" | head -40
  python3 scripts/gtest_totals.py "build/$preset/test-results" "${programs[@]}" >"$logs/unit.txt"
  head -n -1 "$logs/unit.txt"
  # shellcheck disable=SC2046
  count $(tail -1 "$logs/unit.txt")
fi

if [ "$mode" = check ]; then
  # The page is written with the test cases compiled in, so debug builds check it.
  operator_table() { "build/$preset/anyrt" ops --markdown | diff - docs/operators.md; }
  step operator_table operator_table
fi

# conformance NAME PATH...: recorded tests through the command; its closing line is read.
conformance() {
  local name=$1 line status
  shift
  note "$name"
  # A model that asks for absurd sizes must not take the machine with it; sanitizers reserve address space of their own.
  (
    case "$preset" in debug | test | clang) ulimit -v 8388608 ;; esac
    exec timeout "$suite_limit" ${emulator[@]+"${emulator[@]}"} "build/$preset/anyrt" test --quiet "$@"
  ) >"$logs/$name.log" 2>&1 </dev/null
  status=$?
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/$name.log" | tail -1)
  if [ -z "$line" ]; then
    echo "FAILED $name: anyrt test ended with status $status and no closing line"
    tail -10 "$logs/$name.log"
    count 0 1 0
  else
    # shellcheck disable=SC2046
    set -- $(scripts/judge.py "$logs/$name.log" $line)
    sed -n 's/^/'"$name"': /p' "$logs/$name.log.judged"
    count "$1" "$2" "$3"
    if [ "$2" -eq 0 ] && [ "$3" -eq 0 ] && [ "$status" -ne 0 ]; then
      echo "FAILED $name: no test failed but anyrt test ended with status $status"
      count 0 1 0
    fi
  fi
}

if [ ! -f src/tools/test/cli.cc ]; then
  skip 1 "recorded tests: this tree has no 'anyrt test' yet"
else
  suite=$shared/conformance/onnx-backend-tests.tar.gz
  if [ -f "$suite" ]; then
    unpacked=build/conformance
    [ -f "$unpacked/.from" ] && [ "$unpacked/.from" -nt "$suite" ] || {
      rm -rf "$unpacked"
      mkdir -p "$unpacked"
      tar -xf "$suite" -C "$unpacked" && touch "$unpacked/.from"
    }
    conformance onnx-conformance "$unpacked/onnx-backend-tests"
  else
    skip 1 "ONNX conformance tests: $suite is not there (set ANYRT_SHARED)"
  fi
  if [ "$mode" = full ]; then
    if [ -d "$shared/models" ]; then
      conformance model-zoo "$shared/models"
    else
      skip 1 "model zoo: $shared/models is not there (set ANYRT_SHARED)"
    fi
    if [ -d /usr/share/libonnx-testdata/data ]; then
      conformance onnx-1.12-conformance /usr/share/libonnx-testdata/data/{node,simple,pytorch-converted,pytorch-operator}
    else
      skip 1 "ONNX 1.12 conformance tests: Debian package libonnx-testdata is not installed"
    fi
  fi
fi

if [ "$mode" = full ]; then
  shopt -s nullglob
  python_tests=(test/*_test.py)
  if [ ${#python_tests[@]} -gt 0 ]; then
    note Python tests
    scripts/python_tests.sh "$preset" "${python_tests[@]}" >"$logs/python.txt" 2>&1
    line=$(tail -1 "$logs/python.txt")
    head -n -1 "$logs/python.txt"
    set -- ${line//,/}
    count "$1" "$3" "$5"
  fi
  fuzzers=(fuzz/*_fuzz.cc)
  if [ ${#fuzzers[@]} -gt 0 ]; then
    note "fuzzing, ${ANYRT_FUZZ_SECONDS:=20} s each"
    scripts/fuzz.sh "$ANYRT_FUZZ_SECONDS" >"$logs/fuzz.log" 2>&1
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$logs/fuzz.log" | tail -1)
    if [ -n "$line" ]; then
      grep -vE '^fuzz |^[0-9]+ passed' "$logs/fuzz.log"
      set -- $line
      count "$1" "$3" 0
    else
      echo "FAILED fuzz: the fuzzers could not be built or run"
      tail -20 "$logs/fuzz.log"
      count 0 1 0
    fi
  fi
fi
finish
