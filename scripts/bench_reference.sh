#!/usr/bin/env bash
# The published loop in numpy beside ours, query by query in turns: are the lists equal, and how many times faster
# are ours?
#   scripts/bench_reference.sh [ENTITIES [QUERIES]]     default 14489 20: some 4 GB of memory, 3 GB of disk under target/
set -euo pipefail
cd "$(dirname "$0")/.."
entities=${1:-14489} queries=${2:-20}
venv=target/reference
if ! "$venv/bin/python" -c 'import numpy, safetensors' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet numpy safetensors
fi
here=target/tmp/reference/$entities-$queries
mkdir -p "$here"
reference() { "$venv/bin/python" benches/reference.py "$@"; }
if [ ! -f "$here/queries.json" ]; then
    reference make "$here/model.safetensors" "$here/queries.json" --entities "$entities" --queries "$queries"
fi
cargo build --release --quiet
if [ ! -f "$here/index/index.json" ]; then
    target/release/multiexpan index --raw "$here/model.safetensors" --out "$here/index" --device cpu
fi
cargo bench --quiet --profile release --bench speed --no-run
reference beside "$here/model.safetensors" "$here/queries.json" \
    "cargo bench --quiet --profile release --bench speed -- --queries '$PWD/$here/index'"
