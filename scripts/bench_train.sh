#!/usr/bin/env bash
# Measures pairs per second in training: of a plain PyTorch loop of the same sizes
# (benches/train_loop.py, f32) and of this program, in turns.
#
#   scripts/bench_train.sh [TURNS]
#
# The default of 2 turns takes about 10 minutes on two cores. PyTorch is installed into
# target/reference, unless $PYTHON has it.
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
work=target/tmp/train
mkdir -p "$work"
printf 'keep_best = false\nepochs = 1\n' > "$work/auto.toml"
printf 'keep_best = false\nepochs = 1\nprecision = "f32"\n' > "$work/f32.toml"
train() {
    rm -rf "$work/$1"
    target/release/multiexpan train data/demo --out "$work/$1" --config "$work/$1.toml" \
        > "$work/log" 2>&1 || { tail -3 "$work/log" >&2; exit 1; }
    python3 -c 'import json, sys; print("%.0f pairs/s" % json.loads(open(sys.argv[1]).readlines()[-1])["pairs_per_second"])' \
        "$work/$1/training.jsonl"
}
for _ in $(seq "$turns"); do
    echo "PyTorch, f32: $("$python" benches/train_loop.py)"
    echo "multiexpan, default precision: $(train auto)"
    echo "multiexpan, f32: $(train f32)"
done
