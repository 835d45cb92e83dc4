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

VOCAB, DIM, HIDDEN, LAYERS, LONGEST, RADIUS = 11, 4, 6, 2, 7, 2
START = 0

MODELS = {
    "none-reversed": {"reverse": True},
    "dot": {"score": "dot"},
    "general-feeding": {"score": "general", "reverse": True, "feeding": True},
    "concat": {"score": "concat"},
    "location-feeding": {"score": "location", "feeding": True},
    "location-reversed": {"score": "location", "reverse": True},
    "scaled-dot-gru-feeding": {"score": "scaled-dot", "cell": "gru", "feeding": True},
    "dot-local-m": {"score": "dot", "window": "local-m"},
    "general-local-p-feeding": {"score": "general", "window": "local-p", "feeding": True},
    "concat-local-p-renormalised": {"score": "concat", "window": "local-p", "renormalise": True},
    "bahdanau": {"score": "concat", "cell": "gru", "bidirectional": True, "previous": True},
    "bahdanau-coverage": {"score": "concat", "cell": "gru", "bidirectional": True, "previous": True, "coverage": True},
    "concat-coverage": {"score": "concat", "coverage": True},
    "dot-split": {"score": "dot", "split": True},
    "dot-lstm-bidirectional": {"score": "dot", "bidirectional": True},
}


def uniform(*shape):
    # Wide, so that the encoder's outputs differ: where they are alike, gradients by the
    # scores of attention cancel, and single precision shows.
    return torch.nn.Parameter(torch.empty(*shape, dtype=torch.float64).uniform_(-1.5, 1.5))


class Model:
    def __init__(self, cell="lstm", score=None, reverse=False, bidirectional=False, window=None, renormalise=False, feeding=False, previous=False, coverage=False, split=False):
        self.cell, self.score, self.reverse, self.bidirectional = cell, score, reverse, bidirectional
        self.window, self.renormalise, self.feeding, self.previous = window, renormalise, feeding, previous
        self.coverage, self.split = coverage, split
        parts = {"lstm": 4, "gru": 3}[cell]
        self.w = {"encoder.embedding.weight": uniform(VOCAB, DIM), "decoder.embedding.weight": uniform(VOCAB, DIM)}
        half = HIDDEN // 2 if bidirectional else HIDDEN
        for side, units in ("encoder.layers", half), ("encoder.backward", half if bidirectional else 0), ("decoder.layers", HIDDEN):
            for i in range(LAYERS if units else 0):
                name = f"{side}.{i}."
                self.w |= {
                    name + "input.weight": uniform(parts * units, HIDDEN if i else DIM),
                    name + "input.bias": uniform(1, parts * units),
                    name + "hidden.weight": uniform(parts * units, units),
                }
                if cell == "gru":
                    self.w[name + "hidden.bias"] = uniform(1, parts * units)
        if score in ("general", "concat"):
            self.w["attention.key"] = uniform(HIDDEN, HIDDEN)
        if score == "concat":
            self.w |= {"attention.query": uniform(HIDDEN, HIDDEN), "attention.v": uniform(1, HIDDEN)}
        if score == "location":
            self.w["attention.query"] = uniform(LONGEST, HIDDEN)
        if split:
            self.w["attention.value"] = uniform(HIDDEN, HIDDEN)
        if coverage:
            self.w["attention.cover"] = uniform(1, HIDDEN)
        if window == "local-p":
            self.w |= {"attention.place": uniform(HIDDEN, HIDDEN), "attention.place_v": uniform(1, HIDDEN)}
        if score:
            self.w |= {"attention.context.weight": uniform(HIDDEN, HIDDEN), "attention.state.weight": uniform(HIDDEN, HIDDEN)}
        if feeding or previous:
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

    def read(self, layer, xs):
        """Outputs of a layer for each of xs, and its last state."""
        units = self.w[layer + "hidden.weight"].shape[1]
        state, out = [torch.zeros(units, dtype=torch.float64)] * (2 if self.cell == "lstm" else 1), []
        for x in xs:
            state = self.step(layer, x, state)
            out.append(state[0])
        return out, state

    def encode(self, source):
        """Rows for attention in the order of the text, and the last states."""
        xs, states = list(self.w["encoder.embedding.weight"][source]), []
        if self.reverse:
            xs.reverse()
        for i in range(LAYERS):
            out, state = self.read(f"encoder.layers.{i}.", xs)
            if self.bidirectional:
                back, back_state = self.read(f"encoder.backward.{i}.", xs[::-1])
                out = [torch.cat(pair) for pair in zip(out, back[::-1])]
                state = [torch.cat(pair) for pair in zip(state, back_state)]
            xs = out
            states.append(state)
        return torch.stack(xs[::-1] if self.reverse else xs), states

    def sentence(self, source, target):
        """Logits of every target token."""
        w = self.w
        memory, states = self.encode(source)
        self.covered = torch.zeros(len(memory), dtype=torch.float64)
        logits, fed = [], None
        for t, id in enumerate([START] + target[:-1]):
            x = w["decoder.embedding.weight"][id]
            if self.previous:
                fed = context = self.attend(states[-1][0], memory, t)
            for i in range(LAYERS):
                states[i] = self.step(f"decoder.layers.{i}.", x, states[i], fed if i == 0 else None)
                x = states[i][0]
            if self.score:
                if not self.previous:
                    context = self.attend(x, memory, t)
                x = torch.tanh(linear(context, w["attention.context.weight"]) + linear(x, w["attention.state.weight"]))
                fed = x if self.feeding else None
            logits.append(linear(x, w["output.weight"], w["output.bias"][0]))
        return torch.stack(logits)

    def attend(self, h, memory, t):
        w, n = self.w, len(memory)
        if not self.window:
            weights = self.scores(h, memory).softmax(0)
            self.covered = self.covered + weights
            return weights @ (linear(memory, w["attention.value"]) if self.split else memory)
        if self.window == "local-m":
            middle = t
        else:
            p = n * torch.sigmoid(torch.tanh(linear(h, w["attention.place"])) @ w["attention.place_v"][0])
            middle = round(p.item())
        middle = min(middle, n - 1)
        first, end = max(0, middle - RADIUS), min(n, middle + RADIUS + 1)
        weights = self.scores(h, memory[first:end]).softmax(0)
        if self.window == "local-p":
            weights = weights * torch.exp(-((torch.arange(first, end) - p) ** 2) / (2 * (RADIUS / 2) ** 2))
            if self.renormalise:
                weights = weights / weights.sum()
        return weights @ memory[first:end]

    def scores(self, h, memory):
        w = self.w
        if self.score == "dot":
            return memory @ h
        if self.score == "scaled-dot":
            return memory @ h / HIDDEN**0.5
        if self.score == "general":
            return linear(memory, w["attention.key"]) @ h
        if self.score == "concat":
            hidden = linear(h, w["attention.query"]) + linear(memory, w["attention.key"])
            if self.coverage:
                hidden = hidden + self.covered.unsqueeze(1) * w["attention.cover"]
            return torch.tanh(hidden) @ w["attention.v"][0]
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
        m = Model(**kind)
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
