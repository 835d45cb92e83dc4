"""Measures PyTorch and CTranslate2 on the workloads of kotoba bench.

    python peers.py gemm|train|decode|lstm --shape SHAPE [--beam N] --threads N [--seconds S]

prints one JSON object: the best of the runs that fit into the time. The shapes
are those of bench/transformer.go: post-norm Transformers with ReLU, three-way
tied embeddings where the peer's own model ties them, dropout 0.1 in training,
float32; and those of bench/lstm.go: language models, dropout 0.5, SGD.
"""

import argparse
import json
import os
import random
import resource
import tempfile
import time

# dim, ffn, layers, sentences of a training batch, tokens of each
SHAPES = {"d256": (256, 1024, 3, 64, 25), "d512": (512, 2048, 6, 32, 32)}
TRAIN_VOCAB, DECODE_VOCAB = 8000, 32000
DECODE_BATCH, DECODE_SOURCE, DECODE_TARGET = 32, 25, 24


# units, layers, streams, steps
LSTM_SHAPES = {"d200": (200, 2, 20, 20), "d650": (650, 2, 20, 35), "d1000": (1000, 4, 32, 35)}
LSTM_VOCAB = 10000


def best(run, seconds):
    """The shortest of at least two runs after a warm-up, in seconds."""
    run()
    shortest, runs, start = float("inf"), 0, time.perf_counter()
    while runs < 2 or time.perf_counter() - start < seconds:
        at = time.perf_counter()
        run()
        shortest, runs = min(shortest, time.perf_counter() - at), runs + 1
    return shortest


def gemm(shape, seconds, **_):
    import torch

    n = int(shape)
    a, b = torch.randn(n, n), torch.randn(n, n)
    c = torch.empty(n, n)
    took = best(lambda: torch.mm(a, b, out=c), seconds)
    return 2 * n**3 / took / 1e9, "GFLOP/s", "PyTorch " + torch.__version__


def train(shape, seconds, **_):
    import torch
    from torch import nn
    from torch.nn import functional as F

    dim, ffn, layers, batch, length = SHAPES[shape]
    torch.manual_seed(1)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(TRAIN_VOCAB, dim)
            self.layers = nn.Transformer(dim, dim // 64, layers, layers, ffn, dropout=0.1, batch_first=True)
            self.register_buffer("positions", torch.randn(length, dim))
            self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))

        def embed(self, ids):
            return F.dropout(self.embedding(ids) * dim**0.5 + self.positions, 0.1)

        def forward(self, source, target):
            x = self.layers(self.embed(source), self.embed(target), tgt_mask=self.mask, tgt_is_causal=True)
            return x @ self.embedding.weight.T

    model = Model()
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-9)
    source, target, output = (torch.randint(TRAIN_VOCAB, (batch, length)) for _ in range(3))

    def step():
        adam.zero_grad(set_to_none=True)
        logits = model(source, target).view(-1, TRAIN_VOCAB)
        F.cross_entropy(logits, output.view(-1), label_smoothing=0.1).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()

    return batch * length / best(step, seconds), "target tokens/s", "PyTorch " + torch.__version__


def lstm(shape, seconds, **_):
    import torch
    from torch import nn
    from torch.nn import functional as F

    units, layers, streams, steps = LSTM_SHAPES[shape]
    torch.manual_seed(1)
    embedding, recurrent, output = nn.Embedding(LSTM_VOCAB, units), nn.LSTM(units, units, layers, dropout=0.5), nn.Linear(units, LSTM_VOCAB)
    params = [*embedding.parameters(), *recurrent.parameters(), *output.parameters()]
    sgd = torch.optim.SGD(params, lr=1.0)
    ids, targets = torch.randint(LSTM_VOCAB, (steps, streams)), torch.randint(LSTM_VOCAB, (steps, streams))

    def step():
        sgd.zero_grad(set_to_none=True)
        h, _ = recurrent(F.dropout(embedding(ids), 0.5))
        F.cross_entropy(output(F.dropout(h, 0.5)).view(-1, LSTM_VOCAB), targets.view(-1)).backward()
        nn.utils.clip_grad_norm_(params, 5.0)
        sgd.step()

    return streams * steps / best(step, seconds), "tokens/s", "PyTorch " + torch.__version__


def decode(shape, beam, threads, seconds):
    import ctranslate2
    import torch
    from ctranslate2.converters.transformers import MarianMTLoader
    from transformers import MarianConfig, MarianMTModel

    dim, ffn, layers, _, _ = SHAPES[shape]
    pad = DECODE_VOCAB - 1
    torch.manual_seed(1)
    model = MarianMTModel(MarianConfig(
        vocab_size=DECODE_VOCAB, d_model=dim, encoder_layers=layers, decoder_layers=layers,
        encoder_attention_heads=dim // 64, decoder_attention_heads=dim // 64,
        encoder_ffn_dim=ffn, decoder_ffn_dim=ffn, activation_function="relu", scale_embedding=True,
        pad_token_id=pad, decoder_start_token_id=pad, eos_token_id=0, forced_eos_token_id=0,
    )).eval()
    spec = MarianMTLoader().get_model_spec(model)
    words = ["</s>", "<unk>"] + [f"w{i}" for i in range(2, pad)]  # the converter drops <pad>, the last
    spec.register_source_vocabulary(list(words))
    spec.register_target_vocabulary(list(words))
    spec.config.decoder_start_token = spec.config.bos_token = spec.config.eos_token = "</s>"
    spec.config.unk_token = "<unk>"
    spec.validate()
    spec.optimize()
    r = random.Random(1)
    source = [r.choices(words[2:], k=DECODE_SOURCE - 1) + ["</s>"] for _ in range(DECODE_BATCH)]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        os.mkdir(path)
        spec.save(path)
        translator = ctranslate2.Translator(path, device="cpu", compute_type="float32", inter_threads=1, intra_threads=threads)

    def run():
        out = translator.translate_batch(
            source, beam_size=beam, max_batch_size=DECODE_BATCH,
            min_decoding_length=DECODE_TARGET, max_decoding_length=DECODE_TARGET)
        assert all(len(o.hypotheses[0]) == DECODE_TARGET for o in out)

    return DECODE_BATCH * DECODE_TARGET / best(run, seconds), "target tokens/s", "CTranslate2 " + ctranslate2.__version__


def main():
    p = argparse.ArgumentParser()
    p.add_argument("workload", choices=["gemm", "train", "decode", "lstm"])
    p.add_argument("--shape", required=True)
    p.add_argument("--beam", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seconds", type=float, default=12)
    a = p.parse_args()
    import torch

    torch.set_num_threads(a.threads)
    measure = {"gemm": gemm, "train": train, "decode": decode, "lstm": lstm}[a.workload]
    value, unit, peer = measure(shape=a.shape, beam=a.beam, threads=a.threads, seconds=a.seconds)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"peer": peer, "value": value, "unit": unit, "rss_mib": rss}))


if __name__ == "__main__":
    main()
