#!/usr/bin/env bash
# Compares this program with numpy, query by query in turns: the feedback ranking, and the published
# expansion loop. Checks that the rankings are equal, and prints the ratio of the times.
#
#   scripts/bench_reference.sh [ENTITIES [QUERIES]]
#
# The defaults, 14489 and 20, take about 4 GB of memory and 3 GB of disk under target/.
set -euo pipefail
cd "$(dirname "$0")/.."
entities=${1:-14489} queries=${2:-20}
venv=target/reference
if ! "$venv/bin/python" -c 'import numpy, safetensors' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet numpy safetensors
fi
work=target/tmp/reference/$entities-$queries
mkdir -p "$work"
reference() { "$venv/bin/python" benches/reference.py "$@"; }
if [ ! -f "$work/queries.json" ]; then
    reference make "$work/model.safetensors" "$work/queries.json" --entities "$entities" --queries "$queries"
fi
cargo build --release --quiet
if [ ! -f "$work/index/index.json" ]; then
    target/release/multiexpan index --raw "$work/model.safetensors" --out "$work/index" --device cpu
fi
cargo bench --quiet --profile release --bench speed --no-run
reference feedback "$work/model.safetensors" "$work/queries.json" \
    "cargo bench --quiet --profile release --bench speed -- --feedback-queries '$PWD/$work/index'"
reference compare "$work/model.safetensors" "$work/queries.json" \
    "cargo bench --quiet --profile release --bench speed -- --queries '$PWD/$work/index'"
