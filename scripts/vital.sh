#!/usr/bin/env bash
# Builds a text-only data set from Wikipedia's vital articles in data/vital, or in $MULTIEXPAN_VITAL
# (5 MB download, once). scripts/vital.py says what it contains. Does nothing if it is there already.
set -euo pipefail
cd "$(dirname "$0")/.."
into=${MULTIEXPAN_VITAL:-data/vital}
pins=scripts/vital.txt
stamp=$(cat "$pins" scripts/vital.py | sha256sum | cut -c1-16)
[ "$(cat "$into/stamp" 2>/dev/null || true)" = "$stamp" ] && exit 0

fail() { echo "vital: $1" >&2; exit 1; }
command -v python3 >/dev/null || fail "python3 is needed to build the data set; install it and run \`make vital\` again"
mkdir -p "$(dirname "$into")"
exec 9>"$into.lock"; flock 9           # a second build at the same time waits
[ "$(cat "$into/stamp" 2>/dev/null || true)" = "$stamp" ] && exit 0

tmp="$into.tmp"; rm -rf "$tmp"; mkdir -p "$tmp/wheels"
trap 'rm -rf "$tmp"' EXIT
py=python3
if ! python3 -m pip --version >/dev/null 2>&1; then   # Debian: apt-get install python3-venv
  python3 -m venv "$tmp/venv" 2>/dev/null || fail "pip is needed for the download; install python3-pip or python3-venv"
  py="$tmp/venv/bin/python"
fi
"$py" -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps \
  --only-binary=:all: --require-hashes -r "$pins" -d "$tmp/wheels" ||
  fail "the download failed (see above); check the network and run \`make vital\` again"
python3 scripts/vital.py "$tmp"/wheels/*.whl "$tmp/data"
echo "$stamp" > "$tmp/data/stamp"
rm -rf "$into"; mv "$tmp/data" "$into"
echo "vital: ready in $into"
