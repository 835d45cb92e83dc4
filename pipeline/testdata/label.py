"""Writes label/, a small model with random weights that labels words, and label.json, the
entities that transformers finds with it: what label_test.go compares with.

    pip install torch transformers==5.24.0
    python label.py
"""

import json
import os
import random
from collections import Counter

import torch
from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast, pipeline

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = "Angela Merkel café was in Paris (Île-de-France), on 3 May. 東大寺 U.S. x/y don't".split()
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC"]


def main():
    r = random.Random(1)
    characters = sorted(set("".join(WORDS).lower()) | set("eai"))
    pieces = list(dict.fromkeys("[PAD] [UNK] [CLS] [SEP] [MASK]".split() + characters + ["##" + c for c in characters] + "angel ##a paris in on was mer ##kel".split()))
    folder = os.path.join(HERE, "label")
    with open(os.path.join(folder, "vocab.txt"), "w") as f:
        f.write("\n".join(pieces) + "\n")
    tokenizer = BertTokenizerFast(os.path.join(folder, "vocab.txt"))
    texts = [" ".join(r.choice(WORDS) for _ in range(r.randint(1, 6))) for _ in range(40)]
    counts, seed = Counter(), 0
    while len(counts) < 3 or min(counts.values()) < 10:  # until there are some of each group
        seed += 1
        torch.manual_seed(seed)
        model = BertForTokenClassification(BertConfig(
            vocab_size=len(pieces), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12,
            max_position_embeddings=64, initializer_range=1.0, id2label=dict(enumerate(LABELS)), label2id={l: i for i, l in enumerate(LABELS)},
        )).eval()
        found = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="first")(texts)
        counts = Counter(e["entity_group"] for entities in found for e in entities)
    model.save_pretrained(folder)
    cases = []
    for text, entities in zip(texts, found):
        entities = [{**{k: e[k] for k in ("entity_group", "start", "end")}, "score": float(e["score"]), "word": text[e["start"] : e["end"]]} for e in entities]
        cases.append({"text": text, "entities": entities})
    with open(os.path.join(HERE, "label.json"), "w") as f:
        json.dump(cases, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
