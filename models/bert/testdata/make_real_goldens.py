"""Writes the reference values of published weights that real_test.go compares with.

    pip install torch safetensors transformers
    python make_real_goldens.py WEIGHTS

WEIGHTS is the folder that fetch_weights.sh fills. 200 texts of one to thirty sentences
go through all-MiniLM-L6-v2 and a BERT-tiny with the head of masked words. Hidden states
and logits have too many elements to keep all, so that real.safetensors holds of each
token two, at places that change from token to token, and the sum of all, each by the
sine of its number, from 1 on; and all of the first token.
"""

import json
import os
import random
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, BertForMaskedLM, BertModel

SENTENCES = """The river froze twice that winter.
She asked whether the 7:45 train still stops in Éperlecques, and nobody knew.
Ça va? Tout à fait!
Prices rose by 3.25 % to €1,299.00 in Q4/2019.
e-mail me at someone@example.org or see https://example.org/a_b?c=d#e
Der Schlüssel paßt nicht in das Schloß.
日本語の文もここにある。
彼は東京で働いている
It's the dog's bowl, isn't it?
Antidisestablishmentarianism is longer than pneumonoultramicroscopicsilicovolcanoconiosis is not.
WHY ARE YOU SHOUTING
no punctuation here at all just words one after another until it ends
¿Dónde está la biblioteca?
😀 👩‍👩‍👧 🇯🇵
x = (a + b) * c - d / e ** 2
"Quotes", 'single ones', «guillemets» and “curly” ones…
Привет, как дела?
השלום עליכם
The committee, which had met on Tuesday, Wednesday and again on Friday, decided nothing.
A man with a red hat is playing the guitar on a street corner while two children dance.
I think, therefore I am.
The trophy did not fit into the suitcase because it was too big.
naïve café résumé coöperate
1 2 3 4 5 6 7 8 9 10
Water boils at 100 °C.
[CLS] and [SEP] as words
The quick brown fox jumps over the lazy dog.
supercalifragilisticexpialidocious
Tom gave Mary a book, and she gave it back.
ὁ ἄνθρωπος
""".splitlines()


def picked(rows, count=2):
    """Some elements of each row: number k of row t is (7919 t + 104729 k) modulo the columns."""
    t, k = torch.arange(rows.shape[0])[:, None], torch.arange(count)[None, :]
    return rows.gather(1, (7919 * t + 104729 * k) % rows.shape[1])


def summed(rows):
    return rows.double() @ torch.arange(1, rows.shape[1] + 1).double().sin()


def main():
    weights = sys.argv[1]
    r = random.Random(1)
    texts = SENTENCES + [" ".join(r.choice(SENTENCES) for _ in range(r.randint(1, 30))) for _ in range(200 - len(SENTENCES))]
    out = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(out, "real_texts.json"), "w") as f:
        json.dump(texts, f, ensure_ascii=False, indent=0)
    values = {}
    for name, kind in ("minilm", BertModel), ("tiny", BertForMaskedLM):
        folder = os.path.join(weights, name)
        tokenizer, model = AutoTokenizer.from_pretrained(folder), kind.from_pretrained(folder).eval()
        ids, lengths, rows = [], [], []
        for text in texts:
            batch = tokenizer(text, truncation=True, max_length=128, return_tensors="pt", padding=False)
            with torch.no_grad():
                result = model(**batch)
            rows.append((result.last_hidden_state if kind is BertModel else result.logits)[0])
            ids += batch["input_ids"][0].tolist()
            lengths.append(batch["input_ids"].shape[1])
        rows = torch.cat(rows)
        if "ids" in values:  # both vocabularies are that of the uncased English model
            assert values["ids"].tolist() == ids
        values |= {
            "ids": torch.tensor(ids), "lengths": torch.tensor(lengths),
            name + ".picked": picked(rows), name + ".summed": summed(rows).float(),
            name + ".first": rows[0].contiguous(),
        }
    save_file(values, os.path.join(out, "real.safetensors"))


if __name__ == "__main__":
    main()
