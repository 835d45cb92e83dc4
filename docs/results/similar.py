"""Writes pairs of texts with how similar an encoder of sentences finds them: what a model that
reads both texts at once can learn from it, without labels (Liu et al. 2021, "Trans-Encoder").

    pip install numpy
    python3 similar.py KOTOBA WEIGHTS GLUE OUT

OUT/fit.tsv and OUT/valid.tsv, the last 400, are the pairs of the training sets of RTE, MRPC and
STS-B in the folder GLUE, in a fixed random order. OUT/neighbours.tsv has those of fit.tsv but for
RTE, the other way round, and among them each text of MRPC and STS-B with those that are most
similar to it and not its partner; texts of the development sets are left out. Columns are a, b
and score: 5 times the cosine, or 0 where that is negative.
"""

import json
import os
import random
import subprocess
import sys

import numpy as np

FILES = {"RTE": (1, 2, 1), "MRPC": (3, 4, 0), "STS-B": (7, 8, 0)}  # columns, lines of header
NEIGHBOURS = {"MRPC": 3, "STS-B": 1}  # of each text
VALID = 400


def pairs(glue, task, part):
    a, b, header = FILES[task]
    with open(os.path.join(glue, task, part + ".tsv"), encoding="utf-8") as f:
        for line in f.read().splitlines()[header:]:
            fields = line.split("\t")
            if len(fields) > b:
                yield fields[a], fields[b]


def neighbours(texts, vectors, n, seen):
    """Yields each text with the n most similar ones that it has not been seen with."""
    matrix = np.array([vectors[t] for t in texts], dtype=np.float32)
    for i, text in enumerate(texts):
        left = n
        for j in np.argsort(-(matrix @ matrix[i]))[: 3 * n + 2]:
            pair = frozenset((text, texts[j]))
            if left and len(pair) == 2 and pair not in seen:
                seen.add(pair)
                left -= 1
                yield text, texts[j]


def main():
    kotoba, weights, glue, out = sys.argv[1:]
    of = {task: list(pairs(glue, task, "train")) for task in FILES}
    fit = [pair for task in FILES for pair in of[task]]
    texts = sorted({text for pair in fit for text in pair})
    lines = subprocess.run([kotoba, "embed", weights, "--json"], input="\n".join(texts) + "\n", capture_output=True, text=True, check=True).stdout
    vectors = {text: json.loads(line)["embedding"] for text, line in zip(texts, lines.splitlines(), strict=True)}
    r = random.Random(1)
    r.shuffle(fit)
    fit, valid = fit[:-VALID], fit[-VALID:]
    unknown = {text for task in FILES for pair in pairs(glue, task, "dev") for text in pair}
    rte, seen = set(of["RTE"]), {frozenset(pair) for pair in fit + valid}
    more = [(b, a) for a, b in fit if (a, b) not in rte]
    for task, n in NEIGHBOURS.items():
        more += neighbours(sorted({t for pair in of[task] for t in pair} - unknown), vectors, n, seen)
    r.shuffle(more)
    os.makedirs(out, exist_ok=True)
    for name, part in (("fit", fit), ("valid", valid), ("neighbours", more)):
        with open(os.path.join(out, name + ".tsv"), "w", encoding="utf-8") as f:
            f.write("a\tb\tscore\n")
            for a, b in part:
                cosine = sum(x * y for x, y in zip(vectors[a], vectors[b]))
                f.write(f"{a}\t{b}\t{5 * max(0, cosine):.3f}\n")


if __name__ == "__main__":
    main()
