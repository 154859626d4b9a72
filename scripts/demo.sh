#!/usr/bin/env bash
# Builds the release and runs real models on pictures, sound and bytes; without PyPI the in-tree model on drawn digits.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh build demo python
scripts/build.sh release
anyrt=$PWD/build/release/anyrt
"$anyrt" --version
if .venv/bin/python -c 'import numpy' 2>/dev/null; then
  .venv/bin/python scripts/demo.py "$anyrt"
else
  echo "!!! SKIPPED: PyPI packages are not available: vision, speech and file types need models from there" >&2
  echo "Reading drawn digits (in-tree model examples/digits); drawn were: $(cat examples/digits/labels.txt)"
  "$anyrt" run examples/digits/digits.onnx -i examples/digits/pictures.npy --top-k 1
fi
