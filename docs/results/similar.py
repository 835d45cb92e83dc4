"""Writes pairs of texts with how similar an encoder of sentences finds them: what a model that
reads both texts at once can learn from it, without labels (Liu et al. 2021, "Trans-Encoder").

    python3 similar.py KOTOBA WEIGHTS GLUE OUT

OUT/fit.tsv and OUT/valid.tsv, the last 400, are the pairs of the training sets of RTE, MRPC and
STS-B in the folder GLUE, in a fixed random order. Columns are a, b and score: 5 times the cosine,
or 0 where that is negative.
"""

import json
import os
import random
import subprocess
import sys

FILES = {"RTE": (1, 2, 1), "MRPC": (3, 4, 0), "STS-B": (7, 8, 0)}  # columns, lines of header
VALID = 400


def pairs(glue, task, part):
    a, b, header = FILES[task]
    with open(os.path.join(glue, task, part + ".tsv"), encoding="utf-8") as f:
        for line in f.read().splitlines()[header:]:
            fields = line.split("\t")
            if len(fields) > b:
                yield fields[a], fields[b]


def main():
    kotoba, weights, glue, out = sys.argv[1:]
    fit = [pair for task in FILES for pair in pairs(glue, task, "train")]
    texts = sorted({text for pair in fit for text in pair})
    lines = subprocess.run([kotoba, "embed", weights, "--json"], input="\n".join(texts) + "\n", capture_output=True, text=True, check=True).stdout
    vectors = {text: json.loads(line)["embedding"] for text, line in zip(texts, lines.splitlines(), strict=True)}
    r = random.Random(1)
    r.shuffle(fit)
    fit, valid = fit[:-VALID], fit[-VALID:]
    os.makedirs(out, exist_ok=True)
    for name, part in (("fit", fit), ("valid", valid)):
        with open(os.path.join(out, name + ".tsv"), "w", encoding="utf-8") as f:
            f.write("a\tb\tscore\n")
            for a, b in part:
                cosine = sum(x * y for x, y in zip(vectors[a], vectors[b]))
                f.write(f"{a}\t{b}\t{5 * max(0, cosine):.3f}\n")


if __name__ == "__main__":
    main()
