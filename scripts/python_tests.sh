#!/usr/bin/env bash
# usage: scripts/python_tests.sh PRESET FILE...: runs Python test files with the package of build/PRESET; closes with
# "N passed, N failed, N skipped". What is skipped is told with its reason.
set -uo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
logs=build/$preset/test-logs
mkdir -p "$logs"
total=(0 0 0)
add() {
  total=($((total[0] + $1)) $((total[1] + $2)) $((total[2] + $3)))
}
if [ ! -f .venv/pins ]; then
  echo "!!! SKIPPED: Python tests: the packages of scripts/requirements-*.txt are not installed"
  echo "0 passed, 0 failed, $# skipped"
  exit 0
fi
for file in "$@"; do
  name=${file##*/}
  if grep -q '^import anyrt' "$file" && ! compgen -G "build/$preset/python/anyrt/_anyrt*.so" >/dev/null; then
    echo "!!! SKIPPED: $name: the Python extension was not built (build/$preset/configure.log says why)"
    add 0 0 1
    continue
  fi
  PYTHONPATH=build/$preset/python .venv/bin/python "$file" -v >"$logs/$name.log" 2>&1
  grep -E '^(FAIL|ERROR): ' "$logs/$name.log"
  sed -n "s/^\([^ ]*\) .* \.\.\. skipped ['\"]\(.*\)['\"]$/!!! SKIPPED: $name \1: \2/p" "$logs/$name.log"
  # shellcheck disable=SC2046
  add $(python3 - "$logs/$name.log" <<'PY'
import re, sys
text = open(sys.argv[1], errors="replace").read()
ran = re.findall(r"^Ran (\d+) test", text, re.M)
def number(key):
    return int((re.findall(rf"\b{key}=(\d+)", text) or ["0"])[-1])
bad = number("failures") + number("errors")
print(*((max(0, int(ran[-1]) - bad - number("skipped")), bad, number("skipped")) if ran else (0, 1, 0)))
PY
)
done
echo "${total[0]} passed, ${total[1]} failed, ${total[2]} skipped"
[ "${total[1]}" -eq 0 ]
