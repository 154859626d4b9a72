#!/usr/bin/env bash
# Installs what the named groups of scripts/packages.txt need; does nothing when all is there.
# usage: scripts/setup.sh GROUP...   (build check test bench fuzz: apt packages; python: also the venv in .venv)
set -euo pipefail
cd "$(dirname "$0")/.."

groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(build)

wanted=()
for group in "${groups[@]}"; do
  found=$(awk -v g="$group" '$1 == g { for (i = 2; i <= NF; i++) print $i }' scripts/packages.txt)
  [ -n "$found" ] || { echo "setup: no group '$group' in scripts/packages.txt" >&2; exit 2; }
  mapfile -t -O ${#wanted[@]} wanted <<<"$found"
done

if command -v dpkg-query >/dev/null; then
  installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null | awk '$1 == "ii" { print $2 }' || true)
  missing=$(comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) <(sort -u <<<"$installed"))
  if [ -n "$missing" ]; then
    root=()
    if [ "$(id -u)" != 0 ]; then
      command -v sudo >/dev/null || { echo "setup: missing packages and no sudo; install as root:" $missing >&2; exit 1; }
      root=(sudo)
    fi
    apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
    echo "setup: installing" $missing
    # An installed list may be old or empty: one update, and only when the first try fails.
    if ! "${apt[@]}" install -y --no-install-recommends $missing >/dev/null 2>&1; then
      "${apt[@]}" update
      "${apt[@]}" install -y --no-install-recommends $missing >/dev/null
    fi
  fi
else
  echo "setup: no dpkg here; these Debian packages (or their like) are needed: ${wanted[*]}" >&2
fi

# The venv is complete when its stamp holds the text of the pinned requirements.
make_venv() {
  local pins python
  pins=$(cat scripts/requirements-models.txt scripts/requirements-test.txt scripts/requirements-python.txt)
  [ -f .venv/pins ] && [ "$pins" = "$(cat .venv/pins)" ] && return 0
  python=/usr/bin/python3
  [ -x "$python" ] || python=python3
  "$python" -m venv .venv || return 1
  local pip=(.venv/bin/python -m pip --quiet --disable-pip-version-check --retries 1 --timeout 60 install)
  "${pip[@]}" -r scripts/requirements-test.txt -r scripts/requirements-python.txt >.venv/pip.log 2>&1 &&
    "${pip[@]}" --no-deps -r scripts/requirements-models.txt >>.venv/pip.log 2>&1 || return 1
  printf '%s\n' "$pins" >.venv/pins
}
for group in "${groups[@]}"; do
  if [ "$group" = python ] && ! make_venv; then
    echo "!!! PyPI packages are NOT available (.venv/pip.log says why): what needs them is skipped" >&2
  fi
done
