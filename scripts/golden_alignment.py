#!/usr/bin/env python3
"""Golden numbers of image–text contrast, image–text matching and masked language modelling: tests/golden/alignment.

Written from the papers' equations in numpy (float64), apart from the program; gradients by central differences.
Needs numpy and safetensors:  python3 scripts/golden_alignment.py tests/golden/alignment
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

rng = np.random.default_rng(3)


def rows(n, width):
    x = rng.normal(size=(n, width))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def log_softmax(x):
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def itc(text, image, temperature, keys=None, labels=None, key_labels=None, teacher=None, share=0.0, taught_at=None):
    """ALBEF, eq. 1-3 and 6, where a key whose label is the query's is a positive and one of label -1 is not there.

    taught_at: the temperature of the momentum copy's softmax, equal to the other; no gradient goes through it."""
    keys = keys or (text, image)
    key_labels = labels if key_labels is None else key_labels
    there = key_labels >= 0
    total = 0.0
    for query, key, momentum in [(image, keys[0], 1), (text, keys[1], 0)]:
        for i in range(len(query)):
            positive = (key_labels == labels[i])[there]
            target = positive / positive.sum()
            if teacher:
                soft = log_softmax((teacher[momentum][i] @ key[there].T)[None] / taught_at)[0]
                target = (1 - share) * target + share * np.exp(soft)
            total -= target @ log_softmax((query[i] @ key[there].T)[None] / temperature)[0] / len(query)
    return total / 2


def itm(together, apart):
    """ALBEF, eq. 4: cross-entropy of (no, yes)."""
    own = log_softmax(together)[:, 1].sum() + log_softmax(apart)[:, 0].sum()
    return -own / (len(together) + len(apart))


def mlm(logits, tokens, teacher=None, share=0.0):
    """Each of a mention's tokens the same share of the target; the momentum copy's softmax in the place of a part of it."""
    log_prob, total = log_softmax(logits), 0.0
    for i, own in enumerate(tokens):
        total -= (1 - share) * log_prob[i, own].mean()
        if teacher is not None:
            total -= share * np.exp(log_softmax(teacher[i : i + 1])[0]) @ log_prob[i]
    return total / len(tokens)


def gradients(loss, inputs, step=1e-5):
    for at, x in enumerate(inputs):
        gradient = np.zeros_like(x)
        for i in np.ndindex(x.shape):
            ends = []
            for sign in (1, -1):
                moved = x.copy()
                moved[i] += sign * step
                ends.append(loss(*inputs[:at], moved, *inputs[at + 1 :]))
            gradient[i] = (ends[0] - ends[1]) / (2 * step)
        yield gradient


def main(folder):
    tensors, values = {}, {}

    def case(name, loss, inputs, **others):
        values[name] = float(loss(*inputs))
        for i, (x, gradient) in enumerate(zip(inputs, gradients(loss, inputs))):
            tensors[f"{name}.in{i}"] = x.astype(np.float32)
            tensors[f"{name}.grad{i}"] = gradient.astype(np.float32)
        for key, value in others.items():
            tensors[f"{name}.{key}"] = value

    single = lambda *arrays: [a.astype(np.float32).astype(np.float64) for a in arrays]
    labels = np.array([4, 0, 4, 2, 7])
    text, image = single(rows(5, 6), rows(5, 6))
    temperature = single(np.array([0.3]))[0]
    case("clip", lambda t, i, tau: itc(t, i, tau, labels=labels), [text, image, temperature], labels=labels)

    keys = tuple(single(rows(9, 6), rows(9, 6)))
    key_labels = np.array([4, 0, 4, 2, 7, 2, 5, -1, -1])
    taught = (keys[0][:5], keys[1][:5])
    albef = lambda t, i, tau: itc(t, i, tau, keys, labels, key_labels, taught, 0.4, temperature)
    case("itc", albef, [text, image, temperature], labels=labels, key_labels=key_labels,
         key_text=keys[0].astype(np.float32), key_image=keys[1].astype(np.float32))  # fmt: skip

    case("itm", itm, single(rng.normal(size=(4, 2)), rng.normal(size=(7, 2))))

    tokens = [[3], [8, 1, 8], [0, 10]]
    padded = np.array([t + [0] * (3 - len(t)) for t in tokens])
    keep = np.array([[1] * len(t) + [0] * (3 - len(t)) for t in tokens])
    logits, teacher = single(rng.normal(size=(3, 11)), rng.normal(size=(3, 11)))
    case("words", lambda x: mlm(x, tokens), [logits], tokens=padded, keep=keep)
    case("mlm", lambda x: mlm(x, tokens, teacher, 0.4), [logits], tokens=padded, keep=keep,
         teacher=teacher.astype(np.float32))  # fmt: skip

    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, folder / "cases.safetensors")
    (folder / "values.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
