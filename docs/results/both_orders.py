"""Writes MRPC with each pair for training in both orders, and STS-B without what MRPC is validated on.

    python3 both_orders.py GLUE OUT

STS-B has pairs of MRPC, with a label that says how similar they are: those for training that have a
sentence of MRPC's development set are left out.
"""

import os
import sys

from similar import FILES, pairs


def read(glue, task, part):
    with open(os.path.join(glue, task, part + ".tsv"), encoding="utf-8") as f:
        return [line.split("\t") for line in f.read().splitlines()]


def write(out, task, part, rows):
    os.makedirs(os.path.join(out, task), exist_ok=True)
    with open(os.path.join(out, task, part + ".tsv"), "w", encoding="utf-8") as f:
        f.writelines("\t".join(row) + "\n" for row in rows)


def main():
    glue, out = sys.argv[1:]
    train = read(glue, "MRPC", "train")
    write(out, "MRPC", "train", train + [[label, j, i, b, a] for label, i, j, a, b in train])
    held = {text for pair in pairs(glue, "MRPC", "dev") for text in pair}
    a, b, _ = FILES["STS-B"]
    write(out, "STS-B", "train", [row for row in read(glue, "STS-B", "train") if not {row[a], row[b]} & held])
    for task in ("MRPC", "STS-B"):
        write(out, task, "dev", read(glue, task, "dev"))


if __name__ == "__main__":
    main()
