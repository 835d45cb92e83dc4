"""Writes MRPC with each pair for training in both orders.

    python3 both_orders.py GLUE OUT
"""

import os
import shutil
import sys


def main():
    glue, out = (os.path.join(folder, "MRPC") for folder in sys.argv[1:])
    os.makedirs(out, exist_ok=True)
    shutil.copy(os.path.join(glue, "dev.tsv"), out)
    with open(os.path.join(glue, "train.tsv"), encoding="utf-8") as f:
        rows = [line.split("\t") for line in f.read().splitlines()]
    with open(os.path.join(out, "train.tsv"), "w", encoding="utf-8") as f:
        f.writelines("\t".join(row) + "\n" for row in rows + [[label, j, i, b, a] for label, i, j, a, b in rows])


if __name__ == "__main__":
    main()
