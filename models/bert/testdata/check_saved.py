"""Checks that transformers opens the run of a classifier and finds the same.

    pip install torch transformers
    python check_saved.py KOTOBA RUN

KOTOBA is the program, RUN the folder of a run of kotoba train --preset bert-classify.
"""

import json
import subprocess
import sys

from transformers import pipeline

TEXTS = ["what a good film", "Bad, very BAD!", "naïve 日本 [MASK] x", "", "a " * 100]


def main():
    kotoba, run = sys.argv[1:]
    lines = subprocess.run([kotoba, "classify", run, "--json"], input="\n".join(TEXTS) + "\n", capture_output=True, text=True, check=True).stdout
    theirs = pipeline("text-classification", model=run, top_k=None)
    worst = 0
    for text, line in zip(TEXTS, lines.splitlines(), strict=True):
        want = {label["label"]: label["score"] for label in theirs([text])[0]}
        got = {label["label"]: label["score"] for label in json.loads(line)}
        assert want.keys() == got.keys(), (text, want, got)
        worst = max([worst] + [abs(want[label] - got[label]) for label in want])
    print(f"{len(TEXTS)} texts, largest difference of a probability {worst:.1g}")
    assert worst < 1e-4


if __name__ == "__main__":
    main()
