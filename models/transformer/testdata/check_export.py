"""Checks a folder that kotoba exported in the Marian layout.

    pip install torch transformers sentencepiece ctranslate2
    python check_export.py FOLDER [TEXT...]

transformers must load FOLDER, and CTranslate2 convert it; both translate each
TEXT greedily and must agree. Where FOLDER holds a check.json, as

    go test ./models/transformer -run TestExportMarian -export FOLDER

leaves, both are compared with kotoba: tokens, logits to 1e-4 of the largest,
and greedy translations.
"""

import json
import os
import subprocess
import sys
import tempfile

import ctranslate2
import torch
from transformers import MarianMTModel, MarianTokenizer

NEW_TOKENS = 12  # of greedy decoding; transformers forces </s> at the last


def strip(ids, end):
    return ids[: ids.index(end)] if end in ids else ids


def greedy_transformers(model, ids):
    out = model.generate(torch.tensor([ids]), num_beams=1, do_sample=False, max_new_tokens=NEW_TOKENS)
    return strip(out[0].tolist()[1:], model.config.eos_token_id)[: NEW_TOKENS - 1]


def greedy_ctranslate2(translator, tokenizer, ids):
    tokens = tokenizer.convert_ids_to_tokens(ids)
    result = translator.translate_batch([tokens], beam_size=1, max_decoding_length=NEW_TOKENS)
    return tokenizer.convert_tokens_to_ids(result[0].hypotheses[0])[: NEW_TOKENS - 1]


def check_logits(model, check):
    got = []
    for source, inputs in zip(check["source"], check["input"]):
        with torch.no_grad():
            out = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([inputs]))
        got.append(out.logits[0, :, :-1])  # all but <pad>
    got, want = torch.cat(got), torch.tensor(check["logits"])
    difference = ((got - want).abs().max() / want.abs().max()).item()
    print(f"logits differ by {difference:.2g} of the largest")
    return difference <= 1e-4


def main():
    folder, texts = sys.argv[1], sys.argv[2:]
    model = MarianMTModel.from_pretrained(folder).eval()
    tokenizer = MarianTokenizer.from_pretrained(folder)
    with tempfile.TemporaryDirectory() as dir:
        converter = os.path.join(os.path.dirname(sys.executable), "ct2-transformers-converter")
        subprocess.run([converter, "--model", folder, "--output_dir", dir, "--force"], check=True)
        translator = ctranslate2.Translator(dir, device="cpu", intra_threads=1)
    ok = True
    cases = [(t, tokenizer(t).input_ids, None) for t in texts]
    path = os.path.join(folder, "check.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            check = json.load(f)
        ok = check_logits(model, check)
        for text, source, greedy in zip(check["texts"], check["source"], check["greedy"]):
            if tokenizer(text).input_ids != source:
                print(f"{text!r}: tokens {tokenizer(text).input_ids}; kotoba's are {source}")
                ok = False
            cases.append((text, source, greedy[: NEW_TOKENS - 1]))
    for text, source, kotoba in cases:
        one = greedy_transformers(model, source)
        two = greedy_ctranslate2(translator, tokenizer, source)
        print(f"{text!r} -> {tokenizer.decode(one)!r}")
        if one != two or kotoba is not None and one != kotoba:
            print(f"  transformers {one}\n  ctranslate2  {two}\n  kotoba       {kotoba}")
            ok = False
    print("all agree" if ok else "NOT EQUAL")
    sys.exit(not ok)


if __name__ == "__main__":
    main()
