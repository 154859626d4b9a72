#!/usr/bin/env bash
# usage: scripts/fuzz.sh SECONDS [NAME...]: runs each fuzzer (or the named ones) for SECONDS on its seed corpus.
# Fails on a finding; the input that shows it is kept in build/fuzz/findings/. One line a fuzzer, for the summary.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: scripts/fuzz.sh SECONDS [NAME...]}
shift
mkdir -p build
scripts/build.sh fuzz anyrt_fuzzers >build/fuzz-build.log 2>&1 || { tail -40 build/fuzz-build.log >&2; exit 1; }

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  shopt -s nullglob
  for source in fuzz/*_fuzz.cc; do
    name=${source##*/}
    names+=("${name%_fuzz.cc}")
  done
  shopt -u nullglob
fi

out=build/fuzz/findings
mkdir -p "$out"
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
for dir in /usr/lib/llvm-19/bin; do PATH=$dir:$PATH; done
passed=0
failed=0
for name in "${names[@]}"; do
  work=build/fuzz/work/$name
  mkdir -p "$work"
  seeds=()
  [ -d "fuzz/corpus/$name" ] && seeds=("fuzz/corpus/$name")
  dict=()
  [ -f "fuzz/$name.dict" ] && dict=("-dict=fuzz/$name.dict")
  if "build/fuzz/fuzz/${name}_fuzz" "$work" "${seeds[@]}" "${dict[@]}" -max_total_time="$seconds" -timeout=10 \
       -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$out/$name-" >"$out/$name.log" 2>&1; then
    runs=$(awk '/number_of_executed_units/ { print $2 }' "$out/$name.log")
    echo "fuzz $name: $runs runs, no finding"
    passed=$((passed + 1))
  else
    echo "FAILED fuzz $name: see $out/$name.log"
    # Enough to find it with nothing but this output: the message, the frames of our own code, the input.
    grep -E 'ERROR|SUMMARY|runtime error|Test unit written' "$out/$name.log" | head -5 || true
    grep -E '^ +#[0-9]+ .*/src/' "$out/$name.log" | sed 's/^ *\(#[0-9]*\) [^ ]* in /  \1 /' | head -8 || true
    input=$(sed -n 's/.*Test unit written to //p' "$out/$name.log" | tail -1)
    if [ -f "$input" ] && [ "$(stat -c %s "$input")" -le 6000 ]; then
      echo "  input as gzip, then base64: $(gzip -9nc "$input" | base64 -w0)"
    fi
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
