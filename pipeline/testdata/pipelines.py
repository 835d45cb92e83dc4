"""Writes masked/ and classes/, small models with random weights, and pipelines.json, what the
pipelines fill-mask and text-classification of transformers return with them: what
pipelines_test.go compares with. Vocabulary is that of label/.

    pip install torch transformers==5.24.0
    python pipelines.py
"""

import json
import os
import shutil

import torch
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertTokenizerFast, pipeline

HERE = os.path.dirname(os.path.abspath(__file__))
MASKED = [
    "Angela [MASK] was in Paris.",
    "Angela's [MASK] isn't in U.S., is it?",
    "It's [MASK].",
    "don't [MASK] in [MASK], Angela!",
    "we 've [MASK] 'm 're Kelly's x ' y",
    "[MASK]",
]
TEXTS = ["Angela Merkel was in Paris.", "", "x/y don't"]
PROBLEMS = {"": 3, "multi_label_classification": 3, "regression": 1, "one": 1}


def config(pieces, **more):
    return BertConfig(
        vocab_size=pieces, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12,
        max_position_embeddings=64, initializer_range=1.0, **more,
    )


def save(model, name):
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(HERE, "label", "vocab.txt"), folder)
    model.save_pretrained(folder)


def main():
    tokenizer = BertTokenizerFast(os.path.join(HERE, "label", "vocab.txt"))
    torch.manual_seed(1)
    model = BertForMaskedLM(config(len(tokenizer))).eval()
    save(model, "masked")
    cases = {"masked": [], "classes": []}
    for clean in False, True:
        spaced = BertTokenizerFast(os.path.join(HERE, "label", "vocab.txt"), clean_up_tokenization_spaces=clean)
        fill = pipeline("fill-mask", model=model, tokenizer=spaced, top_k=3)
        for text in MASKED:
            found = fill(text)
            cases["masked"].append({"text": text, "clean": clean, "fillings": found if isinstance(found[0], list) else [found]})
    for problem, labels in PROBLEMS.items():
        name = "classes/" + (problem or "exclusive")
        torch.manual_seed(2)
        model = BertForSequenceClassification(config(len(tokenizer), num_labels=labels)).eval()
        if problem != "one":
            model.config.problem_type = problem or None
        save(model, name)
        classify = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None)
        cases["classes"].append({"folder": name, "texts": TEXTS, "labels": classify(TEXTS)})
    with open(os.path.join(HERE, "pipelines.json"), "w") as f:
        json.dump(cases, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
