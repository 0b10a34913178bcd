#!/usr/bin/env python3
"""The published expansion loop, restated in numpy, for a comparison of times (needs numpy and safetensors).

    reference.py make OUT.safetensors QUERIES.json [--entities V] [--width D] [--pairs S] [--queries N]
        writes the last layer of a synthetic model for `multiexpan index --raw`, and queries of three entities of a class
    reference.py feedback MODEL.safetensors QUERIES.json COMMAND [--results 100]
        the same for the feedback ranking (docs/ALGORITHM.md): computes the hubness of every entity (not timed), then ranks each query
        by products of the seeds and the fed-back candidates with the head and the mean states
    reference.py compare MODEL.safetensors QUERIES.json COMMAND [--results 100]
        builds the two dense V×V matrices (not timed); then expands and re-ranks each query alone, and has COMMAND do the
        same: it reads a line of three rows and answers with a line of JSON with its seconds, picks and reranked. Prints
        whether all rankings are equal, and the ratio of the times

As in the published code each round standardises and sums the row of every set member anew, sorts all V scores, and
builds V-wide distributions for the divergence of each candidate in the window.
"""

import argparse
import json
import shlex
import statistics
import subprocess
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
    """Returns mean log p and mean p of every entity, [V, V] each."""
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


LAMBDA, K_MIN, K_MAX, FEEDBACK = 0.8, 25, 200, 8
# Scores of f32 products that differ by less are equal.
TIE = 1e-5
BOUNDARY = dict(score=1.38, seeds=-0.69, far=-0.96, bias=-3.53)


class Feedback:
    """The feedback ranking in f32 products and f64 sums."""

    def __init__(self, tensors):
        import numpy as np

        self.w, self.b, g, offsets = (tensors[k] for k in ("head.weight", "head.bias", "pre_head", "row_offsets"))
        v = len(self.b)
        self.g = np.stack([g[offsets[e] : offsets[e + 1]].mean(0) for e in range(v)])
        self.mean, self.inverse = np.empty(v, "f4"), np.empty(v, "f4")
        step = 512
        for i in range(0, v, step):
            logits = self.g[i : i + step] @ self.w.T + self.b
            self.mean[i : i + step], self.inverse[i : i + step] = logits.mean(1), 1 / logits.std(1)
        self.hubness = np.empty((K_MAX, v))
        for i in range(0, v, step):
            rows = np.arange(i, min(i + step, v))
            s = self.symmetric(rows)
            s[np.arange(len(rows)), rows] = -np.inf
            top = -np.sort(-np.partition(s, v - K_MAX, 1)[:, v - K_MAX :], 1)
            self.hubness[:, rows] = (np.cumsum(top, 1, "f8") / np.arange(1, K_MAX + 1)).T

    def symmetric(self, rows):
        """The rows of S = Z + Zᵀ of some entities, by two products."""
        forward = (self.g[rows] @ self.w.T + self.b - self.mean[rows, None]) * self.inverse[rows, None]
        backward = (self.w[rows] @ self.g.T + self.b[rows, None] - self.mean) * self.inverse
        s = forward + backward
        s[range(len(rows)), rows] = 0
        return s

    def rank(self, seeds, results):
        import numpy as np

        s = self.symmetric(seeds).astype("f8")
        logs = []
        for j, seed in enumerate(seeds):
            score = s.sum(0) - s[j]
            score[[x for x in seeds if x != seed]] = -np.inf
            logs.append(np.log(1 + (score > score[seed]).sum()))
        k = int(np.clip(2 * np.exp(np.mean(logs)), K_MIN, K_MAX))
        h = self.hubness[k - 1]

        def affinity(rows, s):
            a = s - LAMBDA * (h[None] + h[rows][:, None])
            a[range(len(rows)), rows] = 0
            return a

        n, own = len(seeds), affinity(seeds, s)
        score = own.mean(0)
        x = score.copy()
        x[seeds] = -np.inf
        best = np.argsort(-x, kind="stable")[:FEEDBACK]
        score = (n * score + affinity(best, self.symmetric(best).astype("f8")).mean(0)) / (n + 1)
        score[seeds] = -np.inf
        order = np.argsort(-score, kind="stable")
        loo = (own[:, seeds].sum(0)).mean() / (n - 1)
        logit = BOUNDARY["score"] * score[order[:200]] + BOUNDARY["seeds"] * loo + BOUNDARY["far"] * score[order[k : 2 * k]].mean()
        p = np.minimum.accumulate(1 / (1 + np.exp(-logit - BOUNDARY["bias"])))
        cut = int(np.argmax(2 * np.cumsum(p) / (np.arange(1, len(p) + 1) + p.sum())) + 1)
        return k, order[:results].tolist(), cut, score


def feedback(a):
    from safetensors.numpy import load_file

    ranker = Feedback(load_file(a.model))
    ours = subprocess.Popen(shlex.split(a.ours), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    times, queries, swapped = [], json.load(open(a.queries_file)), 0
    for number, query in enumerate(queries, 1):
        begun = time.perf_counter()
        k, ranking, cut, score = ranker.rank(query, a.results)
        seconds = time.perf_counter() - begun
        print(json.dumps(query), file=ours.stdin, flush=True)
        answer = json.loads(ours.stdout.readline())
        if (answer["k"], answer["boundary"]) != (k, cut):
            sys.exit(f"query {number}: k {k} and {answer['k']}, boundary {cut} and {answer['boundary']}")
        for rank, (expected, got) in enumerate(zip(ranking, answer["ranking"], strict=True), 1):
            swapped += expected != got
            if abs(score[expected] - score[got]) > TIE:
                sys.exit(f"query {number}: the rankings differ from rank {rank} on")
        times.append((seconds, answer["seconds"], answer["warm"]))
    ours.stdin.close()
    ours.wait()
    numpy_times, cold, warm = zip(*times)
    print(f"{len(queries)} queries: k, boundaries and rankings are equal, except {swapped} places of scores that differ by less than {TIE}")
    medians = [statistics.median(each) for each in (numpy_times, cold, warm)]
    milliseconds = [f"{1e3 * median:.1f} ms" for median in medians]
    print(f"median of one feedback ranking: numpy {milliseconds[0]}, ours from empty caches {milliseconds[1]}, again {milliseconds[2]}")
    ratios = [statistics.median(a / b for a, b in zip(numpy_times, each)) for each in (cold, warm)]
    print(f"ratio, query by query: median {ratios[0]:.1f} from empty caches, {ratios[1]:.1f} again; slowest {1e3 * max(cold):.1f} ms")


def compare(a):
    from safetensors.numpy import load_file

    log_p, p = dense(load_file(a.model))
    ours = subprocess.Popen(shlex.split(a.ours), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    times, queries = [], json.load(open(a.queries_file))
    for number, query in enumerate(queries, 1):
        begun = time.perf_counter()
        rankings = expand(query, log_p, p, a.results)
        seconds = time.perf_counter() - begun
        print(json.dumps(query), file=ours.stdin, flush=True)
        answer = json.loads(ours.stdout.readline())
        for name, expected in zip(("picks", "reranked"), rankings):
            got = answer[name]
            if expected != got:
                position = next((i for i, (x, y) in enumerate(zip(expected, got)) if x != y), min(len(expected), len(got)))
                sys.exit(f"query {number}: {name} differ from rank {position + 1} on")
        times.append((seconds, answer["seconds"]))
    ours.stdin.close()
    ours.wait()
    numpy_times, our_times = zip(*times)
    ratios = sorted(a / b for a, b in times)
    low, middle, high = (ratios[round((len(ratios) - 1) * q)] for q in (0.1, 0.5, 0.9))
    print(f"{len(queries)} queries: picks and re-rankings are equal")
    print(
        f"median of one expansion: numpy {statistics.median(numpy_times) * 1e3:.0f} ms, "
        f"ours from empty caches {statistics.median(our_times) * 1e3:.1f} ms"
    )
    print(f"ratio, query by query: median {middle:.0f} (10 % {low:.0f}, 90 % {high:.0f}, least {ratios[0]:.0f})")
    print(f"the dense matrices: {(log_p.nbytes + p.nbytes) / 1e6:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, function in (("make", make), ("compare", compare), ("feedback", feedback)):
        command = commands.add_parser(name)
        command.add_argument("model")
        command.add_argument("queries_file", metavar="QUERIES.json")
        command.set_defaults(f=function)
        if name != "make":
            command.add_argument("--results", type=int, default=100)
            command.add_argument("ours", metavar="COMMAND")
            continue
        for option, value in (("entities", 14489), ("width", 768), ("pairs", 4), ("queries", 20), ("seed", 1)):
            command.add_argument("--" + option, type=int, default=value)
    arguments = parser.parse_args()
    arguments.f(arguments)
