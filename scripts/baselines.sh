#!/usr/bin/env bash
# Every baseline, and MultiExpan in its three modes, over one data set's queries of 3 and of 5 seeds; then one table for each.
#   scripts/baselines.sh [DATASET [INDEX [OUT]]]     default: the demo and its index, runs/baselines
# Runs, logs and the models of what is trained here stay in OUT; a model that is there is taken, and a training that was stopped
# goes on. CLIP=DIR adds the CLIP of that folder. A baseline that is new needs only its name here.
set -euo pipefail
cd "$(dirname "$0")/.."
dataset=${1:-data/demo} index=${2:-data/demo/index} out=${3:-runs/baselines}
names=(text-cosine image-cosine fused-cosine probexpan dual albef ${CLIP:+clip})

cargo build --release --quiet
mkdir -p "$out"
multiexpan() { target/release/multiexpan "$@" > "$out/log" 2>&1 || { tail -3 "$out/log" >&2; exit 1; }; }
for seeds in 3 5; do
    runs=()
    for mode in both text image; do
        for ranking in seeds expanded; do
            runs+=("$out/multiexpan-$mode-$ranking-$seeds.run")
            multiexpan evaluate "$index" --dataset "$dataset" --mode $mode --ranking $ranking --seeds $seeds --out "${runs[-1]}"
        done
    done
    for name in "${names[@]}"; do
        runs+=("$out/$name-$seeds.run")
        multiexpan baseline "$name" "$dataset" --seeds $seeds --out "${runs[-1]}" --model "$out/$name.model" ${CLIP:+--clip "$CLIP"}
    done
    echo "== queries of $seeds seeds"
    target/release/multiexpan compare "${runs[@]}" --dataset "$dataset" --seeds $seeds
done
