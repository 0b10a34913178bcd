#!/usr/bin/env python3
"""Computes the golden values of image-text contrast, image-text matching and masked language modelling.

    python3 scripts/golden_alignment.py tests/golden/alignment

Follows the equations of the papers in numpy (float64), independently of the program. Gradients are
central differences. Needs numpy and safetensors.
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


def itc(text, image, temperature, keys=None, labels=None, key_labels=None, teacher=None, teacher_weight=0.0, teacher_temperature=None):
    """Image-text contrast (ALBEF, eq. 1-3 and 6). Keys with the label of the query are positives, and
    keys with the label -1 are ignored.

    teacher_temperature: the temperature of the momentum model's softmax. It is equal to `temperature`,
    but has no gradient."""
    keys = keys or (text, image)
    key_labels = labels if key_labels is None else key_labels
    is_valid = key_labels >= 0
    total = 0.0
    for query, key, momentum in [(image, keys[0], 1), (text, keys[1], 0)]:
        for i in range(len(query)):
            positive = (key_labels == labels[i])[is_valid]
            target = positive / positive.sum()
            if teacher:
                soft = log_softmax((teacher[momentum][i] @ key[is_valid].T)[None] / teacher_temperature)[0]
                target = (1 - teacher_weight) * target + teacher_weight * np.exp(soft)
            total -= target @ log_softmax((query[i] @ key[is_valid].T)[None] / temperature)[0] / len(query)
    return total / 2


def itm(matching, mismatched):
    """Image-text matching (ALBEF, eq. 4): the cross-entropy of (no, yes)."""
    log_likelihood = log_softmax(matching)[:, 1].sum() + log_softmax(mismatched)[:, 0].sum()
    return -log_likelihood / (len(matching) + len(mismatched))


def mlm(logits, tokens, teacher=None, teacher_weight=0.0):
    """Masked language modelling. The target gives the same weight to each token of a mention; the softmax
    of the momentum model replaces a part of it."""
    log_prob, total = log_softmax(logits), 0.0
    for i, mention in enumerate(tokens):
        total -= (1 - teacher_weight) * log_prob[i, mention].mean()
        if teacher is not None:
            total -= teacher_weight * np.exp(log_softmax(teacher[i : i + 1])[0]) @ log_prob[i]
    return total / len(tokens)


def gradients(loss, inputs, step=1e-5):
    """Yields the gradient with respect to each input, by central differences."""
    for position, x in enumerate(inputs):
        gradient = np.zeros_like(x)
        for i in np.ndindex(x.shape):
            losses = []
            for sign in (1, -1):
                changed = x.copy()
                changed[i] += sign * step
                losses.append(loss(*inputs[:position], changed, *inputs[position + 1 :]))
            gradient[i] = (losses[0] - losses[1]) / (2 * step)
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

    round_to_single = lambda *arrays: [a.astype(np.float32).astype(np.float64) for a in arrays]
    labels = np.array([4, 0, 4, 2, 7])
    text, image = round_to_single(rows(5, 6), rows(5, 6))
    temperature = round_to_single(np.array([0.3]))[0]
    case("clip", lambda t, i, tau: itc(t, i, tau, labels=labels), [text, image, temperature], labels=labels)

    keys = tuple(round_to_single(rows(9, 6), rows(9, 6)))
    key_labels = np.array([4, 0, 4, 2, 7, 2, 5, -1, -1])
    teacher_keys = (keys[0][:5], keys[1][:5])
    albef = lambda t, i, tau: itc(t, i, tau, keys, labels, key_labels, teacher_keys, 0.4, temperature)
    case("itc", albef, [text, image, temperature], labels=labels, key_labels=key_labels,
         key_text=keys[0].astype(np.float32), key_image=keys[1].astype(np.float32))  # fmt: skip

    case("itm", itm, round_to_single(rng.normal(size=(4, 2)), rng.normal(size=(7, 2))))

    tokens = [[3], [8, 1, 8], [0, 10]]
    padded = np.array([t + [0] * (3 - len(t)) for t in tokens])
    keep = np.array([[1] * len(t) + [0] * (3 - len(t)) for t in tokens])
    logits, teacher = round_to_single(rng.normal(size=(3, 11)), rng.normal(size=(3, 11)))
    case("words", lambda x: mlm(x, tokens), [logits], tokens=padded, keep=keep)
    case("mlm", lambda x: mlm(x, tokens, teacher, 0.4), [logits], tokens=padded, keep=keep,
         teacher=teacher.astype(np.float32))  # fmt: skip

    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, folder / "cases.safetensors")
    (folder / "values.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
