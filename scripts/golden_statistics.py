#!/usr/bin/env python3
"""Golden values of the metrics and of the statistics, by others' code: trec_eval (ir_measures), scipy, statsmodels.

    pip install ir_measures==0.4.3 scipy==1.17.1 statsmodels==0.15.0
    python3 scripts/golden_statistics.py

Writes tests/golden/trec (a small data set, its qrels, runs, and what trec_eval makes of them) and
tests/golden/statistics/values.json. Random numbers are seeded: the same again gives the same files.
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
# members of a class less its 3 seeds: fewer than the smallest cutoff, and more than each of the others but the last
GOLD = {"few": 6, "dozen": 15, "many": 33, "most": 80}
ENTITIES = 160
HIERARCHY = "class\tmiddle\tcoarse\nfew\tsmall\tall\ndozen\tsmall\tall\nmany\tlarge\tall\nmost\tlarge\tall\n"


def data_set(folder, chance):
    """Writes the data set; gives each query's seeds and gold. Class names sort as trec_eval's topics do."""
    for part in ("gt", "query"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    names = "".join(f"entity {e}\t{e}\n" for e in range(ENTITIES))
    (folder / "entity2id.txt").write_text(names)
    (folder / "sentences.json").write_text("")
    (folder / "classes.tsv").write_text(HIERARCHY)
    queries = {}
    for name, size in GOLD.items():
        members = chance.sample(range(ENTITIES), size + 3)
        negatives = chance.sample([e for e in range(ENTITIES) if e not in members], 5)
        lines = [f"{e}\tentity {e}\t1\n" for e in members] + [f"{e}\tentity {e}\t0\n" for e in negatives]
        (folder / "gt" / f"{name}.txt").write_text("".join(lines))
        rows = [members[:3], members[3:6]]
        (folder / "query" / f"{name}.txt").write_text("".join(" ".join(map(str, row)) + "\n" for row in rows))
        for number, seeds in enumerate(rows, 1):
            gold = [e for e in members if e not in seeds]
            queries[f"{name}/3/{number}"] = (seeds, gold, negatives)
    return queries


def runs(queries, chance):
    """Lists of candidates with scores: distinct ones, then rounded so that many are equal. One list is short, one of a single
    candidate, one query is missing."""
    plain = {}
    for at, (query, (seeds, gold, _)) in enumerate(queries.items()):
        if query == "many/3/2":
            continue
        length = {"few/3/2": 1, "dozen/3/1": 7}.get(query, 100)
        merit = {e: chance.random() + 0.35 * (e in gold) for e in range(ENTITIES) if e not in seeds}
        best = sorted(merit, key=merit.get, reverse=True)[:length]
        plain[query] = [(e, round(merit[e], 6)) for e in best]
    ties = {query: [(e, round(score, 1)) for e, score in found] for query, found in plain.items()}
    return {"plain": plain, "ties": ties}


def trec_eval(qrels, found):
    """AP@K and P@K of every query that the qrels have, 0 for one that the run lacks."""
    measures = [metric @ k for metric in (AP, P) for k in CUTOFFS]
    judged = [ir_measures.Qrel(q, str(e), label) for q, labels in qrels.items() for e, label in labels.items()]
    scored = [ir_measures.ScoredDoc(q, str(e), score) for q, list_ in found.items() for e, score in list_]
    values = {q: {} for q in sorted(qrels)}
    for metric in ir_measures.iter_calc(measures, judged, scored):
        values[metric.query_id][str(metric.measure).lower()] = metric.value
    means = ir_measures.calc_aggregate(measures, judged, scored)
    return {"queries": values, "means": {str(m).lower(): value for m, value in means.items()}}


def metrics():
    chance = random.Random(7)
    folder = GOLDEN / "trec"
    queries = data_set(folder / "data", chance)
    qrels = {q: {**{e: 0 for e in negatives}, **{e: 1 for e in gold}} for q, (_, gold, negatives) in queries.items()}
    lines = [f"{q} 0 {e} {label}\n" for q, labels in qrels.items() for e, label in labels.items()]
    (folder / "qrels").write_text("".join(lines))
    values = {}
    for name, found in runs(queries, chance).items():
        lines = [
            f"{q} Q0 {e} {rank} {score} {name}\n" for q, l in found.items() for rank, (e, score) in enumerate(l, 1)
        ]
        (folder / f"{name}.run").write_text("".join(lines))
        # trec_eval takes no notice of ranks: once as it sorts by score, once with scores that follow the ranks
        by_rank = {q: [(e, -rank) for rank, (e, _) in enumerate(l)] for q, l in found.items()}
        values[name] = {"by_score": trec_eval(qrels, found), "by_rank": trec_eval(qrels, by_rank)}
    (folder / "values.json").write_text(json.dumps(values, indent=1) + "\n")


def randomisation(sums):
    """Exact: the share of all sign flips whose sum is as far from 0."""
    observed = abs(sum(sums)) - 1e-9
    flips = list(itertools.product((1, -1), repeat=len(sums)))
    return sum(abs(sum(s * d for s, d in zip(signs, sums))) >= observed for signs in flips) / len(flips)


def case(name, groups):
    """groups: the differences of each class's queries."""
    flat = [d for group in groups for d in group]
    labels = [at for at, group in enumerate(groups) for _ in group]
    fit = statsmodels.api.OLS(flat, numpy.ones(len(flat)))
    robust = fit.fit(cov_type="cluster", cov_kwds={"groups": labels}, use_t=True)
    made = {"name": name, "classes": groups, "difference": float(numpy.mean(flat)), "cluster_t": float(robust.pvalues[0])}
    if len({len(group) for group in groups}) == 1:
        means = [float(numpy.mean(group)) for group in groups]
        made["paired_t"] = float(stats.ttest_rel(means, [0.0] * len(means)).pvalue)
        rule = lambda x, axis: numpy.mean(x, axis=axis)
        if len(groups) <= 12:
            test = stats.permutation_test(
                (means, [0.0] * len(means)), lambda a, b, axis: rule(a - b, axis), permutation_type="samples",
                vectorized=True, n_resamples=numpy.inf,
            )
            made["scipy_randomisation"] = float(test.pvalue)
    if len(groups) <= 12:
        made["randomisation"] = randomisation([sum(group) for group in groups])
    return made


def statistics():
    chance = random.Random(11)
    draw = lambda centre, spread: round(chance.gauss(centre, spread), 4)
    cases = [
        case("two classes", [[0.1, 0.2], [0.05, 0.3]]),
        case("no difference", [[draw(0, 0.1) for _ in range(5)] for _ in range(8)]),
        case("a small difference", [[draw(0.05, 0.1) for _ in range(5)] for _ in range(12)]),
        case("one query a class", [[draw(0.08, 0.1)] for _ in range(10)]),
        case("unequal classes", [[draw(0.05, 0.1) for _ in range(1 + at % 5)] for at in range(11)]),
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
