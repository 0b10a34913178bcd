#!/usr/bin/env python3
"""The published expansion loop restated in numpy, for timing beside ours (needs numpy and safetensors).

    reference.py make OUT.safetensors QUERIES.json [--entities V] [--width D] [--pairs S] [--queries N]
        a synthetic model's last layer, as `multiexpan index --raw` takes it, and queries of three entities of one class
    reference.py run MODEL.safetensors QUERIES.json [--results 100]
        builds the two dense V×V matrices (not timed), expands each query alone and re-ranks; prints one JSON object:
        seconds, picks and reranked by query, and the bytes of the dense matrices
    reference.py compare REFERENCE.json OURS.json
        says whether the lists are equal, and how many times faster ours are (the median of each)

As in the published code each round standardises and sums the row of every set member anew, sorts all V scores, and
builds V-wide distributions for the divergence of each candidate in the window.
"""

import argparse
import json
import statistics
import sys
import time

CLASSES = 70
SELECTION = [(0, 41, 1000), (41, 75, 500), (75, None, 300)]
RERANKING = [(0, 20, 1600), (20, 35, 900), (35, 70, 600), (70, None, 150)]


def make(a):
    import numpy as np
    from safetensors.numpy import save_file

    rng = np.random.default_rng(a.seed)
    cls = rng.integers(0, CLASSES, a.entities)
    centres = rng.normal(size=(CLASSES, a.width)).astype("f4")
    noisy = lambda rows: rows + 1.5 * rng.normal(size=rows.shape)
    tensors = {
        "head.weight": (noisy(centres[cls]) / np.sqrt(a.width)).astype("f4"),
        "head.bias": (rng.normal(size=a.entities) * 0.1).astype("f4"),
        "pre_head": noisy(np.repeat(centres[cls], a.pairs, 0)).astype("f4"),
        "row_offsets": (np.arange(a.entities + 1) * a.pairs).astype("i8"),
    }
    save_file(tensors, a.model)
    queries = [rng.choice(np.flatnonzero(cls == c), 3, replace=False).tolist() for c in range(a.queries)]
    with open(a.queries_file, "w") as file:
        json.dump(queries, file)


def dense(tensors):
    """Mean log p and mean p of every entity, [V, V] each."""
    import numpy as np

    w, b, g, offsets = (tensors[k] for k in ("head.weight", "head.bias", "pre_head", "row_offsets"))
    log_p, p = np.empty((len(b), len(b)), "f4"), np.empty((len(b), len(b)), "f4")
    for e in range(len(b)):
        x = g[offsets[e] : offsets[e + 1]] @ w.T + b
        top = x.max(1, keepdims=True)
        x -= top + np.log(np.exp(x - top).sum(1, keepdims=True))
        log_p[e], p[e] = x.mean(0), np.exp(x).mean(0)
    return log_p, p


def divergence(t, p):
    import numpy as np

    t, p = t / t.sum(), p / p.sum()
    return (t * np.log(t / p)).sum()


def target(e, p, order, tiers):
    import numpy as np

    mean = p.mean()
    t = np.full(len(p), mean)
    t[e] = p[e]
    for first, last, height in tiers:
        t[order[first:last]] = mean * height
    return t


def window(r):
    if r < 20 or r >= 100:
        return 1
    return int(1 + r / 20 * 2.5 * (1 if r < 50 else 1.25))


def expand(seeds, log_p, p, results):
    import numpy as np

    order = list(seeds)
    while len(order) < len(seeds) + results:
        scores = np.zeros(len(p))
        for e in order:
            scores += (log_p[e] - log_p[e].mean()) / log_p[e].std()
        best, least, seen, used = None, np.inf, 0, set(order)
        for c in np.argsort(-scores, kind="stable"):
            if seen >= window(len(order) - 3):
                break
            if c in used:
                continue
            seen += 1
            found = divergence(target(c, p[c], order, SELECTION), p[c])
            if found < least:
                best, least = int(c), found
        order.append(best)
    picks = order[len(seeds) :]
    kl = [divergence(target(e, p[e], order, RERANKING), p[e]) for e in picks]
    score = np.array([9.0 / (i + 1) for i in range(len(picks))])
    for j, i in enumerate(np.argsort(kl, kind="stable")):
        score[i] += 1 / (j + 1)
    return picks, [picks[i] for i in np.argsort(-score, kind="stable")]


def run(a):
    from safetensors.numpy import load_file

    log_p, p = dense(load_file(a.model))
    out = {"seconds": [], "picks": [], "reranked": [], "dense_bytes": log_p.nbytes + p.nbytes}
    for query in json.load(open(a.queries_file)):
        begun = time.perf_counter()
        picks, reranked = expand(query, log_p, p, a.results)
        out["seconds"].append(time.perf_counter() - begun)
        out["picks"].append(picks)
        out["reranked"].append(reranked)
    print(json.dumps(out))


def compare(a):
    reference, ours = json.load(open(a.reference)), json.load(open(a.ours))
    for name in ("picks", "reranked"):
        for query, (want, got) in enumerate(zip(reference[name], ours[name], strict=True)):
            if want != got:
                place = next((i for i, (x, y) in enumerate(zip(want, got)) if x != y), min(len(want), len(got)))
                sys.exit(f"query {query}: {name} differ from place {place + 1} on")
    theirs, mine = statistics.median(reference["seconds"]), statistics.median(ours["seconds"])
    print(f"{len(reference['picks'])} queries: picks and re-ranked lists are equal")
    print(f"median of one expansion: numpy {theirs * 1e3:.0f} ms, ours from empty caches {mine * 1e3:.1f} ms: {theirs / mine:.0f} × faster")
    print(f"the dense matrices: {reference['dense_bytes'] / 1e6:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, function in (("make", make), ("run", run)):
        command = commands.add_parser(name)
        command.add_argument("model")
        command.add_argument("queries_file", metavar="QUERIES.json")
        command.set_defaults(f=function)
        if name == "run":
            command.add_argument("--results", type=int, default=100)
            continue
        for option, value in (("entities", 14489), ("width", 768), ("pairs", 4), ("queries", 20), ("seed", 1)):
            command.add_argument("--" + option, type=int, default=value)
    command = commands.add_parser("compare")
    command.add_argument("reference")
    command.add_argument("ours")
    command.set_defaults(f=compare)
    arguments = parser.parse_args()
    arguments.f(arguments)
