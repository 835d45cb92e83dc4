"""Writes the reference values that seq2seq_test.go compares with.

    pip install torch safetensors
    python make_goldens.py

For each kind of attention a safetensors file holds the weights of a small
translation model of two layers, its logits for one batch, the loss, and its
gradient by every weight. The sentences of the batch go through torch.nn one by
one, so that nothing here depends on how a batch is laid out.

batch.json holds the sentences.
"""

import json
import os

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy, linear

VOCAB, DIM, HIDDEN, LAYERS, LONGEST = 11, 4, 5, 2, 7
START = 0

# name: (cell, reverse, score, input feeding)
MODELS = {
    "none-reversed": ("lstm", True, None, False),
    "dot": ("lstm", False, "dot", False),
    "general-feeding": ("lstm", True, "general", True),
    "concat": ("lstm", False, "concat", False),
    "location-feeding": ("lstm", False, "location", True),
    "scaled-dot-gru-feeding": ("gru", False, "scaled-dot", True),
}


def uniform(*shape):
    # Wide, so that the encoder's outputs differ: where they are alike, gradients by the
    # scores of attention cancel, and single precision shows.
    return torch.nn.Parameter(torch.empty(*shape, dtype=torch.float64).uniform_(-1.5, 1.5))


class Model:
    def __init__(self, cell, reverse, score, feeding):
        self.cell, self.reverse, self.score, self.feeding = cell, reverse, score, feeding
        parts = {"lstm": 4, "gru": 3}[cell]
        self.w = {"encoder.embedding.weight": uniform(VOCAB, DIM), "decoder.embedding.weight": uniform(VOCAB, DIM)}
        for side in "encoder", "decoder":
            for i in range(LAYERS):
                name = f"{side}.layers.{i}."
                self.w |= {
                    name + "input.weight": uniform(parts * HIDDEN, HIDDEN if i else DIM),
                    name + "input.bias": uniform(1, parts * HIDDEN),
                    name + "hidden.weight": uniform(parts * HIDDEN, HIDDEN),
                }
                if cell == "gru":
                    self.w[name + "hidden.bias"] = uniform(1, parts * HIDDEN)
        if score in ("general", "concat"):
            self.w["attention.key"] = uniform(HIDDEN, HIDDEN)
        if score == "concat":
            self.w |= {"attention.query": uniform(HIDDEN, HIDDEN), "attention.v": uniform(1, HIDDEN)}
        if score == "location":
            self.w["attention.query"] = uniform(LONGEST, HIDDEN)
        if score:
            self.w |= {"attention.context.weight": uniform(HIDDEN, HIDDEN), "attention.state.weight": uniform(HIDDEN, HIDDEN)}
        if feeding:
            self.w["decoder.feed.weight"] = uniform(parts * HIDDEN, HIDDEN)
        self.w |= {"output.weight": uniform(VOCAB, HIDDEN), "output.bias": uniform(1, VOCAB)}

    def step(self, layer, x, state, fed=None):
        """One step of torch's cell; what is fed back is one more input."""
        w = self.w
        w_in, b_hidden = w[layer + "input.weight"], w.get(layer + "hidden.bias", torch.zeros_like(w[layer + "input.bias"]))
        if fed is not None:
            x, w_in = torch.cat([x, fed]), torch.cat([w_in, w["decoder.feed.weight"]], 1)
        cell = torch.lstm_cell if self.cell == "lstm" else torch.gru_cell
        state = [s.unsqueeze(0) for s in state] if self.cell == "lstm" else state[0].unsqueeze(0)
        out = cell(x.unsqueeze(0), state, w_in, w[layer + "hidden.weight"], w[layer + "input.bias"][0], b_hidden[0])
        return [s[0] for s in out] if self.cell == "lstm" else [out[0]]

    def sentence(self, source, target):
        """Logits of every target token."""
        w, zero = self.w, torch.zeros(HIDDEN, dtype=torch.float64)
        states = [[zero] * (2 if self.cell == "lstm" else 1) for _ in range(LAYERS)]
        memory = []
        for id in reversed(source) if self.reverse else source:
            x = w["encoder.embedding.weight"][id]
            for i in range(LAYERS):
                states[i] = self.step(f"encoder.layers.{i}.", x, states[i])
                x = states[i][0]
            memory.append(x)
        memory = torch.stack(memory[::-1] if self.reverse else memory)
        logits, fed = [], None
        for id in [START] + target[:-1]:
            x = w["decoder.embedding.weight"][id]
            for i in range(LAYERS):
                states[i] = self.step(f"decoder.layers.{i}.", x, states[i], fed if i == 0 else None)
                x = states[i][0]
            if self.score:
                x = torch.tanh(
                    linear(self.scores(x, memory).softmax(0) @ memory, w["attention.context.weight"])
                    + linear(x, w["attention.state.weight"]))
                fed = x if self.feeding else None
            logits.append(linear(x, w["output.weight"], w["output.bias"][0]))
        return torch.stack(logits)

    def scores(self, h, memory):
        w = self.w
        if self.score == "dot":
            return memory @ h
        if self.score == "scaled-dot":
            return memory @ h / HIDDEN**0.5
        if self.score == "general":
            return linear(memory, w["attention.key"]) @ h
        if self.score == "concat":
            return torch.tanh(linear(h, w["attention.query"]) + linear(memory, w["attention.key"])) @ w["attention.v"][0]
        return linear(h, w["attention.query"])[: len(memory)]


def main():
    torch.set_num_threads(1)
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    torch.manual_seed(1)
    pairs = [[torch.randint(1, VOCAB, (n,)).tolist() for n in lengths] for lengths in [(3, 4), (LONGEST, 2), (2, 6), (3, 1)]]
    with open("batch.json", "w") as f:
        json.dump(pairs, f)
    for name, kind in MODELS.items():
        torch.manual_seed(4)
        m = Model(*kind)
        logits = torch.cat([m.sentence(*p) for p in pairs])
        loss = cross_entropy(logits, torch.tensor(sum((t for _, t in pairs), [])))
        loss.backward()
        out = {"logits": logits, "loss": loss.reshape(1)}
        flat = lambda v: v[0] if v.shape[0] == 1 else v  # kotoba stores a row as a vector
        out |= {"weight." + n: flat(p) for n, p in m.w.items()}
        out |= {"grad." + n: flat(p.grad) for n, p in m.w.items()}
        save_file({n: v.detach().float().contiguous() for n, v in out.items()}, name + ".safetensors")


if __name__ == "__main__":
    main()
