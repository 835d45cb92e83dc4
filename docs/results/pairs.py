"""Writes pairs of texts as documents of two sentences, which kotoba pretrain-data reads.

    python3 pairs.py GLUE > pairs.txt

They are the pairs for training of MRPC, STS-B and RTE in the folder GLUE, without their labels and
without those that have a sentence of MRPC's or RTE's development set.
"""

import os
import sys

FILES = {"MRPC": (3, 4, 0), "STS-B": (7, 8, 0), "RTE": (1, 2, 1)}  # columns, lines of header


def pairs(glue, task, part):
    a, b, header = FILES[task]
    with open(os.path.join(glue, task, part + ".tsv"), encoding="utf-8") as f:
        for line in f.read().splitlines()[header:]:
            fields = line.split("\t")
            if len(fields) > b:
                yield fields[a], fields[b]


def main():
    (glue,) = sys.argv[1:]
    held = {text for task in ("MRPC", "RTE") for pair in pairs(glue, task, "dev") for text in pair}
    for task in FILES:
        for a, b in pairs(glue, task, "train"):
            if not {a, b} & held:
                print(a, b, "", sep="\n")


if __name__ == "__main__":
    main()
