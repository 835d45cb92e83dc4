"""Writes classification.json, which classification_test.go compares with.

    pip install scikit-learn scipy
    python classification.py
"""

import json
import os
import random

from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

r = random.Random(1)
cases = []
for n, flip in (5, 0.2), (50, 0.1), (400, 0.4), (30, 1.0), (12, 0.0):
    gold = [r.randrange(2) for _ in range(n)]
    predicted = [1 - g if r.random() < flip else g for g in gold]
    x = [round(r.uniform(0, 5), 1) for _ in range(n)]  # with ties
    y = [round(v + r.gauss(0, 5 * flip), 1) for v in x]
    cases.append({
        "gold": gold, "predicted": predicted, "x": x, "y": y,
        "accuracy": accuracy_score(gold, predicted), "f1": f1_score(gold, predicted), "matthews": matthews_corrcoef(gold, predicted),
        "pearson": pearsonr(x, y)[0], "spearman": spearmanr(x, y)[0],
    })
for gold, predicted in ([0, 0, 0], [0, 0, 0]), ([1, 0, 1], [1, 1, 1]), ([0, 0, 1], [0, 0, 0]):
    cases.append({
        "gold": gold, "predicted": predicted, "x": [1, 2, 3], "y": [3, 1, 2], "pearson": -0.5, "spearman": -0.5,
        "accuracy": accuracy_score(gold, predicted), "f1": f1_score(gold, predicted, zero_division=0), "matthews": matthews_corrcoef(gold, predicted),
    })
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "classification.json"), "w") as f:
    json.dump(cases, f)
