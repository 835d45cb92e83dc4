"""Writes sentences and spoilt ones, which a model can learn to tell apart without labels: what
is acceptable is then known before the few labels of CoLA come.

    python3 spoilt.py SENTENCES OUT

SENTENCES has one a line, its words with spaces between. OUT/fit.tsv and OUT/valid.tsv, the last
1,000, have the columns text and label: 1 for a sentence as it is, 0 for one of which a word was
moved, left out, doubled, put in or given another form. A sentence comes once.
"""

import os
import random
import sys

LINES, VALID = 40_000, 1_000
SHORTEST, LONGEST = 4, 25  # words
FORMS = [
    "am is are was were be been being", "has have had having", "do does did done doing", "a an the", "i me my mine",
    "he him his", "she her hers", "they them their theirs", "we us our ours", "who whom whose which", "this these",
    "that those", "much many", "in on at to for of by with from", "will would", "can could", "himself herself themselves myself itself",
    "some any no", "go goes went gone going", "say says said saying", "make makes made making", "see sees saw seen seeing",
]
OTHER = {w: [v for v in group.split() if v != w] for group in FORMS for w in group.split()}
SMALL = "a the of to in is that it for on with as was be by not do have".split()


def inflect(r, word):
    """Returns another form of a word, or None."""
    if word in OTHER:
        return r.choice(OTHER[word])
    if len(word) < 4 or not word.isalpha():
        return None
    for ending in ("ing", "ed", "s"):
        if word.endswith(ending):
            return word[: -len(ending)] + r.choice(["", "s", "ing"])
    return word + r.choice(["s", "ing", "ed"])


def spoil(r, words):
    """Returns a sentence with one thing wrong, which is not the same as before."""
    while True:
        out, at = list(words), r.randrange(len(words) - 1)  # the last is punctuation
        kind = r.randrange(6)
        if kind == 0:
            out[at : at + 2] = reversed(out[at : at + 2])
        elif kind == 1:
            del out[at]
        elif kind == 2:
            out.insert(at, r.choice(SMALL))
        elif kind == 3:
            out.insert(r.randrange(len(words) - 1), out.pop(at))
        else:  # a word with another form is what CoLA has most of
            form = inflect(r, out[at])
            if form is None:
                continue
            out[at] = form
        if out != list(words):
            return out


def main():
    sentences, out = sys.argv[1:]
    r = random.Random(1)
    with open(sentences, encoding="utf-8") as f:
        lines = sorted({line.strip() for line in f if SHORTEST <= len(line.split()) <= LONGEST})
    r.shuffle(lines)
    rows = []
    for i, line in enumerate(lines[:LINES]):
        words = line.split()
        rows.append((" ".join(words if i % 2 else spoil(r, words)), i % 2))
    os.makedirs(out, exist_ok=True)
    for name, part in (("fit", rows[:-VALID]), ("valid", rows[-VALID:])):
        with open(os.path.join(out, name + ".tsv"), "w", encoding="utf-8") as f:
            f.write("text\tlabel\n")
            f.writelines(f"{text}\t{label}\n" for text, label in part)


if __name__ == "__main__":
    main()
