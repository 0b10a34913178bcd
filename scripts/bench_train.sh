#!/usr/bin/env bash
# Pairs per second in training, in one run: a plain PyTorch loop of the same sizes (benches/train_loop.py, f32) and ours, in turns.
#   scripts/bench_train.sh [TURNS]     default 2: some 10 minutes on two cores; PyTorch goes to target/reference, or is that of $PYTHON
set -euo pipefail
cd "$(dirname "$0")/.."
turns=${1:-2}
venv=target/reference python=${PYTHON:-target/reference/bin/python}
if ! "$python" -c 'import torch' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet torch
    python=$venv/bin/python
fi
bash scripts/encoders.sh
cargo build --release --quiet
here=target/tmp/train
mkdir -p "$here"
printf 'keep_best = false\nepochs = 1\n' > "$here/auto.toml"
printf 'keep_best = false\nepochs = 1\nprecision = "f32"\n' > "$here/f32.toml"
ours() {
    rm -rf "$here/$1"
    target/release/multiexpan train data/demo --out "$here/$1" --config "$here/$1.toml" > "$here/log" 2>&1 || { tail -3 "$here/log"; exit 1; }
    python3 -c 'import json, sys; print("%.0f pairs/s" % json.loads(open(sys.argv[1]).readlines()[-1])["pairs_per_second"])' \
        "$here/$1/training.jsonl"
}
for _ in $(seq "$turns"); do
    echo "PyTorch, f32: $("$python" benches/train_loop.py)"
    echo "ours, as by default: $(ours auto)"
    echo "ours, f32: $(ours f32)"
done
