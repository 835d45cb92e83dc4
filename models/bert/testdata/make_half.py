"""Writes folders of weights in two bytes, and the reference values that half_test.go
compares with.

    pip install torch safetensors transformers
    python make_half.py

float16 and bfloat16 are folders as transformers' save_pretrained writes them, of a small
BertModel whose weights were rounded to that type. hidden.safetensors in each holds the
last hidden states of the sequences of batch.json, computed by transformers in single
precision from the rounded weights.
"""

import json
import os

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

CONFIG = {
    "vocab_size": 29, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 20,
    "max_position_embeddings": 11, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "initializer_range": 0.5,
}


def main():
    torch.set_num_threads(1)
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    with open("batch.json") as f:
        pairs = json.load(f)["pairs"]
    for name, dtype in (("float16", torch.float16), ("bfloat16", torch.bfloat16)):
        torch.manual_seed(2)
        model = BertModel(BertConfig(**CONFIG))
        with torch.no_grad():  # biases and gains of their own, so that each of them shows
            for n, p in model.named_parameters():
                if n.endswith("bias"):
                    p.uniform_(-0.5, 0.5)
                if n.endswith("LayerNorm.weight"):
                    p.uniform_(0.5, 1.5)
        model.to(dtype).save_pretrained(name)
        model = BertModel.from_pretrained(name, dtype=torch.float32).eval()
        rows = []
        for a, b in pairs:
            types = torch.tensor([[0] * len(a) + [1] * len(b)])
            with torch.no_grad():
                rows.append(model(torch.tensor([a + b]), token_type_ids=types).last_hidden_state[0])
        save_file({"hidden": torch.cat(rows)}, os.path.join(name, "hidden.safetensors"))


if __name__ == "__main__":
    main()
