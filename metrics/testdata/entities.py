"""Writes the reference values that entities_test.go compares with.

    pip install seqeval==1.2.2
    python entities.py

Sentences have random labels, many of which conlleval calls wrong (I without B, another type
inside an entity), in the schemes IOB2 and IOBES. entities.json holds for each set of
sentences the labels, the entities that seqeval finds in the right ones, and its precision,
recall and F1 in the mode that agrees with conlleval.
"""

import json
import os
import random

from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

HERE = os.path.dirname(os.path.abspath(__file__))


def sentence(r, prefixes, words):
    labels = []
    for _ in range(words):
        prefix = r.choice(prefixes)
        labels.append(prefix if prefix == "O" else f"{prefix}-{r.choice(['PER', 'LOC-X', 'ORG'])}")
    return labels


def main():
    r = random.Random(1)
    cases = []
    for prefixes in ("OOBI", "OBIES", "IO"):
        for _ in range(8):
            lengths = [r.randint(1, 12) for _ in range(10)]
            gold = [sentence(r, prefixes, n) for n in lengths]
            predicted = [[p if r.random() < 0.3 else g for p, g in zip(sentence(r, prefixes, len(s)), s)] for s in gold]
            cases.append({
                "gold": gold, "predicted": predicted,
                "entities": [[[kind, first, last + 1] for kind, first, last in get_entities(s)] for s in gold],
                "precision": precision_score(gold, predicted), "recall": recall_score(gold, predicted), "f1": f1_score(gold, predicted),
            })
    with open(os.path.join(HERE, "entities.json"), "w") as f:
        json.dump(cases, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
