"""Writes pairs of texts as documents of two sentences, which kotoba pretrain-data reads.

    python3 pairs.py GLUE > pairs.txt

They are the pairs for training of MRPC, STS-B and RTE in the folder GLUE, without their labels and
without those that have a sentence of MRPC's or RTE's development set.
"""

import sys

from similar import pairs


def main():
    (glue,) = sys.argv[1:]
    held = {text for task in ("MRPC", "RTE") for pair in pairs(glue, task, "dev") for text in pair}
    for task in ("MRPC", "STS-B", "RTE"):
        for a, b in pairs(glue, task, "train"):
            if not {a, b} & held:
                print(a, b, "", sep="\n")


if __name__ == "__main__":
    main()
