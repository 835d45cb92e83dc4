"""Writes the reference values that golden_test.go compares with.

    pip install torch safetensors transformers
    python make_goldens.py

For each activation a safetensors file holds the weights of a small BERT with the heads
of pre-training, the last hidden states and the logits of one batch, the loss of masked
words and next sentences, and its gradient by every weight, of
transformers' BertForPreTraining. The batch is padded for it; rows of padding are left
out of the file.

batch.json holds the pairs of sentences, the masked places, their words, and whether the
second sentence follows the first.
"""

import json
import os

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForPreTraining

CONFIG = {
    "vocab_size": 29, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 20,
    "max_position_embeddings": 11, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "initializer_range": 0.5,
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}
PAIRS = [([3, 7, 1, 9], [4, 4, 2]), ([5], [28]), ([11, 12, 13, 14, 15, 16], [17, 18, 19, 20, 21])]
MASKED = [[1, 5], [], [0, 4, 10]]  # places in each sequence
WORDS = [[8, 2], [], [6, 27, 1]]
NEXT = [0, 1, 1]  # 0 is next


def main():
    torch.set_num_threads(1)
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    with open("batch.json", "w") as f:
        json.dump({"pairs": PAIRS, "masked": MASKED, "words": WORDS, "next": NEXT}, f)
    longest = max(len(a) + len(b) for a, b in PAIRS)
    ids, types, mask = (torch.zeros(len(PAIRS), longest, dtype=torch.long) for _ in range(3))
    labels = torch.full((len(PAIRS), longest), -100)
    for i, (a, b) in enumerate(PAIRS):
        n = len(a) + len(b)
        ids[i, :n], types[i, len(a):n], mask[i, :n] = torch.tensor(a + b), 1, 1
        for place, word in zip(MASKED[i], WORDS[i]):
            labels[i, place] = word
    for activation in ("gelu", "gelu_new"):
        torch.manual_seed(1)
        model = BertForPreTraining(BertConfig(**CONFIG, hidden_act=activation)).double().eval()
        with torch.no_grad():  # biases and gains of their own, so that each of them shows
            for name, p in model.named_parameters():
                if name.endswith("bias"):
                    p.uniform_(-0.5, 0.5)
                if name.endswith("LayerNorm.weight"):
                    p.uniform_(0.5, 1.5)
        hidden = model.bert(ids, mask, types).last_hidden_state
        out = model(ids, mask, types, labels=labels, next_sentence_label=torch.tensor(NEXT))
        out.loss.backward()
        kept = mask.bool()
        values = {"hidden": hidden[kept], "words": out.prediction_logits[labels != -100], "next": out.seq_relationship_logits, "loss": out.loss.reshape(1)}
        for name, p in model.named_parameters():
            if name in ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias"):
                continue  # tied
            values |= {"weight." + name: p, "grad." + name: p.grad}
        save_file({n: v.detach().float().contiguous() for n, v in values.items()}, activation + ".safetensors")


if __name__ == "__main__":
    main()
