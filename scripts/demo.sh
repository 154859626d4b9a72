#!/usr/bin/env bash
# Builds the release and shows what the command can do.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh build
scripts/build.sh release
build/release/anyrt --version
