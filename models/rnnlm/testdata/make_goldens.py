"""Writes the reference values that golden_test.go compares with.

    pip install torch safetensors
    python make_goldens.py

For each cell a safetensors file holds the weights of a small language model of
two layers by torch.nn, its logits for one batch, the loss, its gradient by every
weight, and the losses of ten steps of SGD that carry the states of the layers on:

    lstm, gru, rnn-tanh, rnn-relu   .safetensors
    tied.safetensors                lstm that predicts by its embeddings

batch.json holds the tokens, (T, B), and what to predict.
"""

import json
import os

import torch
from safetensors.torch import save_file

VOCAB, DIM, HIDDEN, LAYERS = 13, 6, 7, 2
STREAMS, STEPS = 3, 5
RATE, CLIP, ROUNDS = 0.5, 1.0, 10

CELLS = {
    "lstm": lambda *a: torch.nn.LSTM(*a),
    "gru": lambda *a: torch.nn.GRU(*a),
    "rnn-tanh": lambda *a: torch.nn.RNN(*a),
    "rnn-relu": lambda *a: torch.nn.RNN(*a, nonlinearity="relu"),
}


class Model(torch.nn.Module):
    def __init__(self, cell, tied):
        super().__init__()
        dim = HIDDEN if tied else DIM
        self.embedding = torch.nn.Embedding(VOCAB, dim)
        self.rnn = CELLS[cell](dim, HIDDEN, LAYERS)
        self.output = torch.nn.Linear(HIDDEN, VOCAB)
        if tied:
            self.output.weight = self.embedding.weight
        self.cell = cell
        for p in self.parameters():
            torch.nn.init.uniform_(p, -0.6, 0.6)
        if cell != "gru":  # kotoba has one bias where two are only added up
            for name, p in self.rnn.named_parameters():
                if name.startswith("bias_hh"):
                    torch.nn.init.zeros_(p)
                    p.requires_grad_(False)

    def forward(self, ids, state):
        h, state = self.rnn(self.embedding(ids), state)
        return self.output(h), state

    def named(self):
        """Parameters by the names that kotoba has for them."""
        out = {"embedding.weight": self.embedding.weight, "output.weight": self.output.weight, "output.bias": self.output.bias}
        if self.output.weight is self.embedding.weight:
            del out["output.weight"]
        for i in range(LAYERS):
            get = lambda n: getattr(self.rnn, f"{n}_l{i}")
            out |= {f"layers.{i}.input.weight": get("weight_ih"), f"layers.{i}.input.bias": get("bias_ih"), f"layers.{i}.hidden.weight": get("weight_hh")}
            if self.cell == "gru":
                out[f"layers.{i}.hidden.bias"] = get("bias_hh")
        return out


def golden(name, cell, tied, ids, targets):
    torch.manual_seed(3)
    model = Model(cell, tied).double()
    out = {"weight." + n: p.detach().clone() for n, p in model.named().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=RATE)
    losses, state = [], None
    for round in range(ROUNDS):
        logits, state = model(ids, state)
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, VOCAB), targets.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if round == 0:
            out["logits"] = logits.detach().clone()
            out |= {"grad." + n: p.grad.clone() for n, p in model.named().items()}
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], CLIP)
        optimizer.step()
        state = tuple(s.detach() for s in state) if cell == "lstm" else state.detach()
    out["losses"] = torch.tensor(losses, dtype=torch.float64)
    save_file({n: v.float().contiguous() for n, v in out.items()}, name + ".safetensors")


def main():
    torch.set_num_threads(1)
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    torch.manual_seed(1)
    ids, targets = torch.randint(VOCAB, (STEPS, STREAMS)), torch.randint(VOCAB, (STEPS, STREAMS))
    with open("batch.json", "w") as f:
        json.dump({"ids": ids.tolist(), "targets": targets.tolist()}, f)
    for cell in CELLS:
        golden(cell, cell, False, ids, targets)
    golden("tied", "lstm", True, ids, targets)


if __name__ == "__main__":
    main()
