"""Measures PyTorch, CTranslate2 and ONNX Runtime on the workloads of kotoba bench.

    python peers.py gemm|train|decode|lstm|bert|pretrain --shape SHAPE [--beam N] [--batch N] --threads N [--seconds S]
    python peers.py embed --model DIR --text FILE --threads N

prints one JSON object: the best of the runs that fit into the time. The shapes
are those of bench/transformer.go: post-norm Transformers with ReLU, three-way
tied embeddings where the peer's own model ties them, dropout 0.1 in training,
float32; those of bench/lstm.go: language models, dropout 0.5, SGD; and those of
bench/bert.go: sequences of 128 tokens.
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
# units, layers, inner units; all have 12 heads
BERT_SHAPES = {"base": (768, 12, 3072), "minilm": (384, 6, 1536)}
BERT_LENGTH = 128


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


def decode(shape, beam, threads, seconds, **_):
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


def bert_config(shape):
    from transformers import BertConfig

    dim, layers, ffn = BERT_SHAPES[shape]
    return BertConfig(hidden_size=dim, num_hidden_layers=layers, num_attention_heads=12, intermediate_size=ffn)


def onnx_sessions(model, threads):
    """Sessions of ONNX Runtime for the hidden states of a BertModel: as exported, and with its own fusions for BERT."""
    import onnxruntime
    import torch
    from onnxruntime.transformers.optimizer import optimize_model

    class Hidden(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model.eval()

        def forward(self, ids, mask):
            return self.model(input_ids=ids, attention_mask=mask).last_hidden_state

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    ids = torch.randint(1000, (2, 16))
    axes = {0: "batch", 1: "length"}
    with tempfile.TemporaryDirectory() as folder:
        plain, fused = (os.path.join(folder, name) for name in ("plain.onnx", "fused.onnx"))
        torch.onnx.export(
            Hidden(), (ids, torch.ones_like(ids)), plain, input_names=["ids", "mask"], output_names=["hidden"],
            dynamic_axes={"ids": axes, "mask": axes}, opset_version=17, dynamo=False)
        c = model.config
        optimize_model(plain, model_type="bert", num_heads=c.num_attention_heads, hidden_size=c.hidden_size).save_model_to_file(fused)
        return [onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]) for path in (plain, fused)]


def bert(shape, batch, threads, seconds, **_):
    import onnxruntime
    import torch
    from transformers import BertModel

    torch.manual_seed(1)
    model = BertModel(bert_config(shape), add_pooling_layer=False)
    model.config._attn_implementation = "eager"
    ids = torch.randint(30000, (batch, BERT_LENGTH)).numpy()
    feed = {"ids": ids, "mask": ids * 0 + 1}
    took = min(best(lambda: s.run(None, feed), seconds / 2) for s in onnx_sessions(model, threads))
    return batch * BERT_LENGTH / took, "tokens/s", "ONNX Runtime " + onnxruntime.__version__


def embed(model, text, batch, threads, seconds, **_):
    """Means of the hidden states of the lines of a file, in batches of their order that are padded to their longest."""
    import numpy
    import onnxruntime
    from tokenizers import Tokenizer
    from transformers import BertModel

    tokenizer = Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
    tokenizer.enable_padding()
    tokenizer.enable_truncation(512)
    sessions = onnx_sessions(BertModel.from_pretrained(model, add_pooling_layer=False, attn_implementation="eager"), threads)
    with open(text, encoding="utf-8") as f:
        lines = f.read().splitlines()

    def run(session):
        for i in range(0, len(lines), batch):
            encodings = tokenizer.encode_batch_fast(lines[i:i + batch])
            ids = numpy.array([e.ids for e in encodings], dtype=numpy.int64)
            mask = numpy.array([e.attention_mask for e in encodings], dtype=numpy.int64)
            [hidden] = session.run(None, {"ids": ids, "mask": mask})
            means = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
            means /= numpy.linalg.norm(means, axis=1, keepdims=True)

    took = min(best(lambda: run(s), seconds / 2) for s in sessions)
    return len(lines) / took, "texts/s", "ONNX Runtime " + onnxruntime.__version__


def pretrain(shape, batch, seconds, **_):
    import torch
    from transformers import BertForMaskedLM

    torch.manual_seed(1)
    model = BertForMaskedLM(bert_config(shape)).train()
    adam = torch.optim.AdamW(model.parameters(), lr=1e-4)
    ids = torch.randint(30000, (batch, BERT_LENGTH))
    labels = torch.where(torch.rand(batch, BERT_LENGTH) < 0.15, ids, -100)

    def step():
        adam.zero_grad(set_to_none=True)
        model(input_ids=ids, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()

    return batch * BERT_LENGTH / best(step, seconds), "tokens/s", "PyTorch " + torch.__version__


def main():
    p = argparse.ArgumentParser()
    workloads = {"gemm": gemm, "train": train, "decode": decode, "lstm": lstm, "bert": bert, "embed": embed, "pretrain": pretrain}
    p.add_argument("workload", choices=workloads)
    p.add_argument("--shape")
    p.add_argument("--beam", type=int, default=1)
    p.add_argument("--batch", type=int, default=8, help="sequences or lines of a batch, of BERT")
    p.add_argument("--model", help="folder of a BERT model, of embed")
    p.add_argument("--text", help="a file of lines, of embed")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seconds", type=float, default=12)
    a = p.parse_args()
    import torch

    torch.set_num_threads(a.threads)
    options = {name: value for name, value in vars(a).items() if name != "workload"}
    value, unit, peer = workloads[a.workload](**options)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"peer": peer, "value": value, "unit": unit, "rss_mib": rss}))


if __name__ == "__main__":
    main()
