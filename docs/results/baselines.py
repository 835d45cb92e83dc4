"""Scores answers that need no model, on the questions that docs/results.md keeps for
validation.

    python baselines.py QUESTIONS SHARE SEED

QUESTIONS is a file in the form of SQuAD, of which the last SHARE is taken, in whole
articles. random is any one to five words of the paragraph; overlap takes the sentence
that shares most words with the question, and of it the longest run of words that the
question lacks. Exact match and F1 are those of the official script for SQuAD 1.1.
"""

import collections
import json
import random
import re
import string
import sys


def normal(text):
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def f1(prediction, answer):
    p, a = normal(prediction), normal(answer)
    same = sum((collections.Counter(p) & collections.Counter(a)).values())
    return 2 * same / (len(p) + len(a)) if same else 0.0


def guess(context, _, r):
    words = context.split()
    n = r.randint(1, 5)
    at = r.randrange(max(len(words) - n, 1))
    return " ".join(words[at:at + n])


def overlap(context, question, _):
    asked = set(normal(question))
    sentence = max(re.split(r"(?<=[.!?])\s+", context), key=lambda s: len(asked & set(normal(s))))
    best, run = [], []
    for word in [*sentence.split(), question]:
        parts = set(normal(word))
        if parts and not parts & asked:
            run.append(word)
        elif parts:
            best, run = max(best, run, key=len), []
    return " ".join(best)


def main():
    path, share, r = sys.argv[1], float(sys.argv[2]), random.Random(int(sys.argv[3]))
    with open(path, encoding="utf-8") as f:
        questions = [(a["title"], p["context"], q) for a in json.load(f)["data"] for p in a["paragraphs"] for q in p["qas"]]
    at = int(len(questions) * (1 - share))
    while at > 0 and questions[at - 1][0] == questions[at][0]:
        at -= 1
    kept = questions[at:]
    for name, predict in [("random", guess), ("overlap", overlap)]:
        exact = total = 0.0
        for _, context, q in kept:
            answer = predict(context, q["question"], r)
            golds = [a["text"] for a in q["answers"]]
            exact += max(normal(answer) == normal(g) for g in golds)
            total += max(f1(answer, g) for g in golds)
        print(f"{name}: {len(kept)} questions, exact match {100 * exact / len(kept):.2f}, F1 {100 * total / len(kept):.2f}")


if __name__ == "__main__":
    main()
