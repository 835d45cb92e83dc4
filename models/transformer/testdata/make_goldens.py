"""Writes the reference values that golden_test.go compares with.

    pip install torch transformers safetensors
    python make_goldens.py

For each case a safetensors file holds the weights of a small model, the logits
of one batch of unequal sentences, the loss with label smoothing 0.1, its
gradient by every weight and the losses of ten steps of Adam:

    post.safetensors   MarianMTModel, normalised after each sub-layer
    start.safetensors  the same, its decoder starting from <pad>, whose
                       embedding is zero and constant (one step only: the
                       embedding is tied to the output matrix, which moves it)
    swish.safetensors  as post, with Swish for ReLU
    pre.safetensors    MarianMTModel with its layers' order changed to
                       normalise before each sub-layer

marian/ is a folder that transformers itself saved, with random weights and a
final_logits_bias; marian-logits.safetensors holds its logits.
"""

import json
import os
import shutil

import torch
from safetensors.torch import save_file
from transformers import MarianConfig, MarianMTModel

VOCAB, PAD, EOS, BOS = 37, 36, 3, 2
SOURCE = [[5, 9, 11, 4, 3], [7, 3], [30, 6, 6, 8, 12, 13, 3]]
TARGET = [[8, 14, 3], [20, 21, 22, 23, 20, 3], [35, 3]]
SMOOTHING, RATE, CLIP, STEPS = 0.1, 1e-2, 1.0, 10


def build(start, activation="relu"):
    torch.manual_seed(7)
    config = MarianConfig(
        vocab_size=VOCAB, d_model=16, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=24, decoder_ffn_dim=24, max_position_embeddings=20,
        activation_function=activation, dropout=0.0, attention_dropout=0.0,
        activation_dropout=0.0, scale_embedding=True, init_std=0.25,
        pad_token_id=PAD, eos_token_id=EOS, forced_eos_token_id=EOS,
        decoder_start_token_id=start, attn_implementation="eager",
    )
    model = MarianMTModel(config)
    with torch.no_grad():  # biases and gains that are not 0 and 1
        for name, p in model.named_parameters():
            if p.dim() == 1:
                p.add_(torch.randn_like(p) * 0.1)
    return model.train()


def padded(rows):
    width = max(map(len, rows))
    return torch.tensor([r + [PAD] * (width - len(r)) for r in rows])


def forward_marian(model, source, mask, inputs):
    return model(input_ids=source, attention_mask=mask, decoder_input_ids=inputs, use_cache=False).logits


class PreNorm(torch.nn.Module):
    """The layers of a Marian model in pre-norm order, and a last norm each."""

    def __init__(self, marian):
        super().__init__()
        self.marian = marian
        d = marian.config.d_model
        for side in (marian.model.encoder, marian.model.decoder):
            side.layer_norm = torch.nn.LayerNorm(d)
            torch.nn.init.normal_(side.layer_norm.weight, 1, 0.1)
            torch.nn.init.normal_(side.layer_norm.bias, 0, 0.1)

    def named_parameters(self, *args, **kwargs):
        return self.marian.named_parameters(*args, **kwargs)

    def forward(self, source, mask, inputs):
        def embed(side, ids):
            x = model.shared(ids) * model.config.d_model**0.5
            return x + side.embed_positions(ids.shape)

        def attend(block, x, memory, blocked):
            b, t, d = x.shape
            split = lambda y: y.view(b, -1, block.num_heads, d // block.num_heads).transpose(1, 2)
            q, k, v = split(block.q_proj(x)), split(block.k_proj(memory)), split(block.v_proj(memory))
            scores = q @ k.transpose(2, 3) / (d // block.num_heads) ** 0.5
            weights = scores.masked_fill(blocked, float("-inf")).softmax(-1)
            return block.out_proj((weights @ v).transpose(1, 2).reshape(b, t, d))

        def feed_forward(layer, x):
            return layer.fc2(torch.relu(layer.fc1(layer.final_layer_norm(x))))

        model = self.marian.model
        padding = (mask == 0)[:, None, None, :]
        x = embed(model.encoder, source)
        for layer in model.encoder.layers:
            y = layer.self_attn_layer_norm(x)
            x = x + attend(layer.self_attn, y, y, padding)
            x = x + feed_forward(layer, x)
        memory = model.encoder.layer_norm(x)
        future = torch.ones(inputs.shape[1], inputs.shape[1], dtype=torch.bool).triu(1)
        x = embed(model.decoder, inputs)
        for layer in model.decoder.layers:
            y = layer.self_attn_layer_norm(x)
            x = x + attend(layer.self_attn, y, y, future)
            x = x + attend(layer.encoder_attn, layer.encoder_attn_layer_norm(x), memory, padding)
            x = x + feed_forward(layer, x)
        return model.decoder.layer_norm(x) @ model.shared.weight.T


def weights(model):
    skip = ("embed_positions", "embed_tokens", "lm_head")
    return {n: p for n, p in model.named_parameters() if not any(s in n for s in skip)}


def real(rows, values):
    """The rows of values that belong to tokens, one sentence after the other."""
    return torch.cat([values[i, : len(r)] for i, r in enumerate(rows)])


def golden(path, model, forward, start, steps):
    model.double()  # so that differences are those of the implementation under test
    source, target = padded(SOURCE), padded(TARGET)
    mask = (source != PAD).long()
    inputs = padded([[start] + t[:-1] for t in TARGET])
    out = {"weight." + n: p.detach().clone() for n, p in weights(model).items()}
    optimizer = torch.optim.Adam(weights(model).values(), lr=RATE, betas=(0.9, 0.98), eps=1e-9)
    losses = []
    for step in range(steps):
        logits = real(TARGET, forward(model, source, mask, inputs))
        loss = torch.nn.functional.cross_entropy(logits, real(TARGET, target), label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            out["logits"] = logits.detach().clone()
            out |= {"grad." + n: p.grad.clone() for n, p in weights(model).items()}
        torch.nn.utils.clip_grad_norm_(weights(model).values(), CLIP)
        optimizer.step()
    out["losses"] = torch.tensor(losses)
    save_file({n: v.float() for n, v in out.items()}, path)


def marian_folder(folder, logits_path):
    model = build(PAD).eval()
    with torch.no_grad():
        model.final_logits_bias.normal_()
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    source = padded(SOURCE)
    inputs = padded([[PAD] + t[:-1] for t in TARGET])
    with torch.no_grad():
        logits = real(TARGET, forward_marian(model, source, (source != PAD).long(), inputs))
    save_file({"logits": logits}, logits_path)


def main():
    torch.set_num_threads(1)
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    with open("batch.json", "w") as f:
        json.dump({"source": SOURCE, "target": TARGET}, f)
    golden("post.safetensors", build(BOS), forward_marian, BOS, STEPS)
    golden("start.safetensors", build(PAD), forward_marian, PAD, 1)
    golden("swish.safetensors", build(BOS, "swish"), forward_marian, BOS, STEPS)
    golden("pre.safetensors", PreNorm(build(BOS)), lambda m, *args: m(*args), BOS, STEPS)
    marian_folder("marian", "marian-logits.safetensors")


if __name__ == "__main__":
    main()
