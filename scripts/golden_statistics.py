#!/usr/bin/env python3
"""Computes the golden values of the metrics and statistics with trec_eval (ir_measures), scipy and statsmodels.

    pip install ir_measures==0.4.3 scipy==1.17.1 statsmodels==0.15.0
    python3 scripts/golden_statistics.py

Writes tests/golden/trec (a small data set, its qrels, runs, and the metrics of trec_eval) and
tests/golden/statistics/values.json. Random numbers are seeded, so that the values are the same every time.
"""

import itertools
import json
import pathlib
import random

import ir_measures
import numpy
import statsmodels.api
from ir_measures import AP, P
from scipy import stats
from statsmodels.stats.multitest import multipletests

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
CUTOFFS = (10, 20, 50, 100)
# The number of members of each class without its 3 seeds: below the smallest cutoff, and above each other
# cutoff except the last.
GOLD = {"few": 6, "dozen": 15, "many": 33, "most": 80}
ENTITIES = 160
HIERARCHY = "class\tmiddle\tcoarse\nfew\tsmall\tall\ndozen\tsmall\tall\nmany\tlarge\tall\nmost\tlarge\tall\n"


def write_data_set(folder, random_source):
    """Writes the data set. Returns the seeds, gold and negatives of each query. Class names are sorted like
    the topics of trec_eval."""
    for part in ("gt", "query"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    names = "".join(f"entity {e}\t{e}\n" for e in range(ENTITIES))
    (folder / "entity2id.txt").write_text(names)
    (folder / "sentences.json").write_text("")
    (folder / "classes.tsv").write_text(HIERARCHY)
    queries = {}
    for name, size in GOLD.items():
        members = random_source.sample(range(ENTITIES), size + 3)
        negatives = random_source.sample([e for e in range(ENTITIES) if e not in members], 5)
        lines = [f"{e}\tentity {e}\t1\n" for e in members] + [f"{e}\tentity {e}\t0\n" for e in negatives]
        (folder / "gt" / f"{name}.txt").write_text("".join(lines))
        rows = [members[:3], members[3:6]]
        (folder / "query" / f"{name}.txt").write_text("".join(" ".join(map(str, row)) + "\n" for row in rows))
        for number, seeds in enumerate(rows, 1):
            gold = [e for e in members if e not in seeds]
            queries[f"{name}/3/{number}"] = (seeds, gold, negatives)
    return queries


def make_runs(queries, random_source):
    """Returns two runs: one with distinct scores, and one with rounded scores, many of which are equal. One
    ranking is short, one has a single candidate, and one query is missing."""
    plain = {}
    for query, (seeds, gold, _) in queries.items():
        if query == "many/3/2":
            continue
        length = {"few/3/2": 1, "dozen/3/1": 7}.get(query, 100)
        score = {e: random_source.random() + 0.35 * (e in gold) for e in range(ENTITIES) if e not in seeds}
        best = sorted(score, key=score.get, reverse=True)[:length]
        plain[query] = [(e, round(score[e], 6)) for e in best]
    ties = {query: [(e, round(s, 1)) for e, s in ranking] for query, ranking in plain.items()}
    return {"plain": plain, "ties": ties}


def trec_eval(qrels, run):
    """Returns AP@K and P@K of every query of the qrels; they are 0 for a query that the run does not have."""
    measures = [metric @ k for metric in (AP, P) for k in CUTOFFS]
    labels = [ir_measures.Qrel(q, str(e), label) for q, judged in qrels.items() for e, label in judged.items()]
    scored = [ir_measures.ScoredDoc(q, str(e), score) for q, ranking in run.items() for e, score in ranking]
    values = {q: {} for q in sorted(qrels)}
    for metric in ir_measures.iter_calc(measures, labels, scored):
        values[metric.query_id][str(metric.measure).lower()] = metric.value
    means = ir_measures.calc_aggregate(measures, labels, scored)
    return {"queries": values, "means": {str(m).lower(): value for m, value in means.items()}}


def metrics():
    random_source = random.Random(7)
    folder = GOLDEN / "trec"
    queries = write_data_set(folder / "data", random_source)
    qrels = {q: {**{e: 0 for e in negatives}, **{e: 1 for e in gold}} for q, (_, gold, negatives) in queries.items()}
    lines = [f"{q} 0 {e} {label}\n" for q, labels in qrels.items() for e, label in labels.items()]
    (folder / "qrels").write_text("".join(lines))
    values = {}
    for name, run in make_runs(queries, random_source).items():
        lines = [
            f"{q} Q0 {e} {rank} {score} {name}\n" for q, ranking in run.items() for rank, (e, score) in enumerate(ranking, 1)
        ]
        (folder / f"{name}.run").write_text("".join(lines))
        # trec_eval ignores ranks. Therefore it is used twice: with the scores, and with scores that follow the ranks.
        by_rank = {q: [(e, -rank) for rank, (e, _) in enumerate(ranking)] for q, ranking in run.items()}
        values[name] = {"by_score": trec_eval(qrels, run), "by_rank": trec_eval(qrels, by_rank)}
    (folder / "values.json").write_text(json.dumps(values, indent=1) + "\n")


def randomisation(sums):
    """Returns the p-value of the exact randomisation test: the fraction of all sign flips whose sum is at
    least as far from 0."""
    observed = abs(sum(sums)) - 1e-9
    flips = list(itertools.product((1, -1), repeat=len(sums)))
    return sum(abs(sum(s * d for s, d in zip(signs, sums))) >= observed for signs in flips) / len(flips)


def case(name, groups):
    """Returns the p-values of a case. Each group has the differences of the queries of one class."""
    flat = [d for group in groups for d in group]
    clusters = [index for index, group in enumerate(groups) for _ in group]
    fit = statsmodels.api.OLS(flat, numpy.ones(len(flat)))
    robust = fit.fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
    values = {"name": name, "classes": groups, "difference": float(numpy.mean(flat)), "cluster_t": float(robust.pvalues[0])}
    if len({len(group) for group in groups}) == 1:
        means = [float(numpy.mean(group)) for group in groups]
        values["paired_t"] = float(stats.ttest_rel(means, [0.0] * len(means)).pvalue)
        mean = lambda x, axis: numpy.mean(x, axis=axis)
        if len(groups) <= 12:
            test = stats.permutation_test(
                (means, [0.0] * len(means)), lambda a, b, axis: mean(a - b, axis), permutation_type="samples",
                vectorized=True, n_resamples=numpy.inf,
            )
            values["scipy_randomisation"] = float(test.pvalue)
    if len(groups) <= 12:
        values["randomisation"] = randomisation([sum(group) for group in groups])
    return values


def statistics():
    random_source = random.Random(11)
    draw = lambda mean, deviation: round(random_source.gauss(mean, deviation), 4)
    cases = [
        case("two classes", [[0.1, 0.2], [0.05, 0.3]]),
        case("no difference", [[draw(0, 0.1) for _ in range(5)] for _ in range(8)]),
        case("a small difference", [[draw(0.05, 0.1) for _ in range(5)] for _ in range(12)]),
        case("one query a class", [[draw(0.08, 0.1)] for _ in range(10)]),
        case("unequal classes", [[draw(0.05, 0.1) for _ in range(1 + index % 5)] for index in range(11)]),
        case("many classes", [[draw(0.03, 0.1) for _ in range(5)] for _ in range(46)]),
        case("a large difference", [[draw(0.3, 0.05) for _ in range(3)] for _ in range(30)]),
    ]
    families = [[0.04], [0.01, 0.04, 0.03, 0.005], [0.5, 0.9, 0.5], [0.0001, 0.0001, 0.2, 1.0, 0.03]]
    holm = [{"p": p, "holm": multipletests(p, method="holm")[1].tolist()} for p in families]
    folder = GOLDEN / "statistics"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "values.json").write_text(json.dumps({"cases": cases, "holm": holm}, indent=1) + "\n")


metrics()
statistics()
