#!/usr/bin/env bash
# Runs every baseline in its own ranking and in the feedback ranking, and MultiExpan in its three modes
# by the seeds, by the window search and by feedback, on the queries with 3 and with 5 seeds of a data
# set. Then prints a table for each number of seeds, and a table for each trained baseline that
# compares its trainings. The runs are named SYSTEM-RANKING-SEEDS.run.
#
#   scripts/baselines.sh [DATASET [INDEX [OUT]]]
#
#   DATASET             the data set (default: data/demo)
#   INDEX               its index (default: data/demo/index)
#   OUT                 the folder for runs, logs and trained models (default: runs/baselines);
#                       existing models are reused, and interrupted trainings are continued
#   TRAININGS="1 2 3"   the random seeds of the trainings (default: 1); the first training appears in
#                       the tables of all systems
#   CLIP=DIR            adds the CLIP model in this folder
set -euo pipefail
cd "$(dirname "$0")/.."
dataset=${1:-data/demo} index=${2:-data/demo/index} out=${3:-runs/baselines}
fixed=(text-cosine image-cosine fused-cosine ${CLIP:+clip})
trained=(probexpan dual albef)
trainings=(${TRAININGS:-1})

cargo build --release --quiet
mkdir -p "$out"
multiexpan() { target/release/multiexpan "$@" > "$out/log" 2>&1 || { tail -3 "$out/log" >&2; exit 1; }; }
# Makes a run for each ranking and number of seeds: NAME TAG [OPTION…]
baseline() {
    local ranking seeds name=$1 tag=$2
    for ranking in own feedback; do
        for seeds in 3 5; do
            multiexpan baseline "$name" "$dataset" --ranking $ranking --seeds $seeds --out "$out/$tag-$ranking-$seeds.run" "${@:3}"
        done
    done
}
compare() { target/release/multiexpan compare "${@:2}" --dataset "$dataset" --seeds "$1"; }

for name in "${fixed[@]}"; do
    case $name in
        clip) baseline clip clip --clip "$CLIP" ;;
        *) baseline "$name" "$name" ;;
    esac
done
for seed in "${trainings[@]}"; do
    echo "seed = $seed" > "$out/seed-$seed.toml"
    for name in "${trained[@]}"; do
        baseline "$name" "$name-training-$seed" --model "$out/$name-training-$seed.model" --config "$out/seed-$seed.toml"
    done
done
for seeds in 3 5; do
    runs=()
    for mode in both text image; do
        for ranking in seeds window feedback; do
            runs+=("$out/multiexpan-$mode-$ranking-$seeds.run")
            multiexpan evaluate "$index" --dataset "$dataset" --mode $mode --ranking $ranking --seeds $seeds --out "${runs[-1]}"
        done
    done
    for ranking in own feedback; do
        for name in "${fixed[@]}"; do runs+=("$out/$name-$ranking-$seeds.run"); done
        for name in "${trained[@]}"; do runs+=("$out/$name-training-${trainings[0]}-$ranking-$seeds.run"); done
    done
    echo "== queries with $seeds seeds"
    compare $seeds "${runs[@]}"
    [ ${#trainings[@]} = 1 ] && continue
    for name in "${trained[@]}"; do
        for ranking in own feedback; do
            echo "== queries with $seeds seeds: the trainings of $name, ranking: $ranking"
            compare $seeds $(printf "$out/$name-training-%s-$ranking-$seeds.run " "${trainings[@]}")
        done
    done
done
