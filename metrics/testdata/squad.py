"""Writes squad.json, which squad_test.go compares with.

    pip install transformers==4.44.2
    python squad.py

Scores of SQuAD 2.0 are those of transformers.data.metrics.squad_metrics, which follows
evaluate-v2.0.py. Its last digits are of sums one after the other: Python 3.12 and later
adds more exactly, so take 3.11 or earlier.
"""

import json
import os
import random
import sys
from collections import Counter
from types import SimpleNamespace

from transformers.data.metrics import squad_metrics as v2

assert sys.version_info < (3, 12), sys.version

HARD = [
    "", " ", "the", "The", "THE a an", "a-b", "the-end", "the—end", "an–an", "a.b", "a_b", "_the_", "the_", "a", "A", "an apple",
    "The Beatles", "beatles", "Beatles, The", "theatre", "a.m.", "A.M.", "U.S.A.", "the U.S.", "rock'n'roll", "rock 'n' roll",
    "«the»", "“the” end", "‘a’", "a’s", "a's", "the\u00a0end", "the\u3000end", "the\u200bend", "the\u00adend", "the\u0301 end",
    "x\x1cy", "x\x1dy", "x\x1ey", "x\x1fy", "x\x0by", "x\x0cy", "x\x85y", "x\u2028y", "x\u2029y", "x\u180ey", "x\ufeffy", "x\u1680y", "x\u205fy",
    "50%", "50 %", "$5", "£5", "€5", "5 €", "1,000", "1000", "1.000", "½", "²", "٣", "Ⅷ", "ⅷ", "①", "1st", "the 1st", "a1", "1a", "a½", "aⅧ",
    "İstanbul", "istanbul", "ΟΔΥΣΣΕΥΣ", "οδυσσευς", "ΑΣ", "Σ", "ΑΣ.Α", "STRASSE", "straße", "ẞ", "Ǆ", "ǅ", "É", "e\u0301", "ﬁ", "ᾼ", "Ꭰ",
    "東大寺", "東大寺の仏像", "「東大寺」", "東大寺、奈良", "ＡＢＣ", "ａｂｃ", "the東大寺", "the 東大寺", "東大寺the", "1928年(昭和3年)11月3日", "1928年",
    "ｶﾞ", "ガ", "か\u3099", "が", "、", "。", "…", "—", "-", "--", "!", "?!", "a b c", "a b b", "b b a c", "c c c", "the c a c an c",
    "in the year of the Lord", "in year of Lord", "year", "of", "Lord of the year", "é è ê", "É È", "na\u00efve café", "naive cafe",
    "日本 東京", "日本東京", "東京 日本", "Москва", "МОСКВА", "москва,", "the Москва", "ไทย", "한국어", "हिन्दी", "العربية", "עִבְרִית", "🍣", "🍣 the", "a🍣",
    "👩\u200d👩\u200d👧", "an\u2060the", "{a}", "[an]", "(the)", "~the~", "`a`", "^the^", "\\a\\", "|an|", "@the", "#a", "a+b", "a=b", "<a>", "a/an/the",
]
WORDS = "the a an in of year Lord apple U.S. well-known 3.5 don't Tokyo (see) é İ ΣΑΣ 東京 , -- “x” the-end".split()


def phrase(r):
    if r.random() < 0.4:
        return r.choice(HARD)
    return "".join(r.choice(WORDS) + r.choice([" ", " ", "-", "", "\u00a0"]) for _ in range(r.randint(0, 6)))


def near(r, text):
    """A text that shares much with another one."""
    words = text.split()
    r.shuffle(words)
    return " ".join(words[: r.randint(0, len(words))] + [r.choice(WORDS)] * r.randint(0, 1))


def overlap(prediction, gold):
    """F1 of two lists, 0 where they share nothing."""
    same = sum((Counter(prediction) & Counter(gold)).values())
    if same == 0:
        return 0
    precision, recall = same / len(prediction), same / len(gold)
    return (2 * precision * recall) / (precision + recall)


def words(text):
    return v2.normalize_answer(text).split()


def characters(text):
    return list("".join(words(text)))


def v1(questions, units):
    """Scores as evaluate-v1.1.py computes them, of units that are words there."""
    exact = f1 = 0
    for q in questions:
        exact += max(v2.normalize_answer(q["predicted"]) == v2.normalize_answer(g) for g in q["gold"] or [""])
        f1 += max(overlap(units(q["predicted"]), units(g)) for g in q["gold"] or [""])
    return {"exact_match": 100.0 * exact / len(questions), "f1": 100.0 * f1 / len(questions)}


def evaluate(questions, threshold, known):
    examples = [SimpleNamespace(qas_id=i, answers=[{"text": g} for g in q["gold"]]) for i, q in enumerate(questions)]
    predictions = {i: q["predicted"] for i, q in enumerate(questions)}
    na = {i: q["no_answer"] for i, q in enumerate(questions)}
    if known:
        return v2.squad_evaluate(examples, predictions, na, threshold)
    scores = v2.squad_evaluate(examples, predictions)
    return {k: x for k, x in scores.items() if not k.startswith("best")}  # the official script has none then


def main():
    r = random.Random(7)
    pairs = [(a, r.choice(HARD)) for a in HARD] + [(a, a) for a in HARD]
    pairs += [(a, near(r, a)) for a in (phrase(r) for _ in range(300))]
    sets = []
    for size, unanswerable in (1, 0.0), (1, 1.0), (7, 0.5), (60, 0.0), (60, 0.3), (400, 0.5), (400, 0.0):
        questions = []
        for _ in range(size):
            gold = [phrase(r) for _ in range(r.choice([1, 1, 2, 3, 5]))]
            predicted = near(r, r.choice(gold)) if r.random() < 0.8 else phrase(r)
            if r.random() < unanswerable:
                gold, predicted = [], r.choice(["", "", predicted])
            elif r.random() < 0.1:
                predicted = ""
            questions.append({"gold": gold, "predicted": predicted, "no_answer": round(r.gauss(0 if gold else 2, 3), 1)})  # with ties
        sets.append({
            "questions": questions, "words": v1(questions, words), "characters": v1(questions, characters),
            "plain": evaluate(questions, 1.0, False),
            "thresholds": {str(t): evaluate(questions, t, True) for t in (1.0, -2.0, 4.5)},
        })
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "squad.json"), "w") as f:
        json.dump({
            "normalized": [[s, v2.normalize_answer(s)] for s in HARD],
            "pairs": [{"gold": a, "predicted": b, "exact": v2.compute_exact(a, b), "f1": v2.compute_f1(a, b), "f1_words": overlap(words(b), words(a)),
                       "f1_characters": overlap(characters(b), characters(a))} for a, b in pairs],
            "sets": sets,
        }, f)


main()
