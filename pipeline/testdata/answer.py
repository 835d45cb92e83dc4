"""Writes answer.json, which answer_test.go compares with: windows and answers of the
functions of transformers that follow run_squad.py of the paper. Strides are no longer than
what a window holds of the context, where they leave out tokens, unlike the paper's code.

    pip install transformers==4.44.2 numpy==1.26.4
    python answer.py

Logits are random multiples of 1/4, so that many sums are equal and their order counts.
"""

import json
import os
import random
import tempfile

from transformers import BertTokenizer, BertTokenizerFast
from transformers.data.metrics.squad_metrics import compute_predictions_logits
from transformers.data.processors import squad

WORDS = (
    "the The leader was John Smith (1895-1943). Japanese electronics, industry's largest; café naïve Ångström élan "
    "東大寺の仏像は 奈良県奈良市に 1928年(昭和3年)11月 £5.50 don't U.S. 3,000 x/y -- “quoted” a b c of in and it is not"
).split()


def vocabulary():
    characters = sorted(set("".join(WORDS).lower()) | set("abcdefghijklmnopqrstuvwxyz0123456789?"))
    stripped = sorted(set("eaiaao"))
    pieces = "the was japan ##ese lead ##er elect ##ronic ##s 18 ##95 19 ##43 john smith industry of and not is".split()
    all = "[PAD] [UNK] [CLS] [SEP] [MASK]".split() + characters + ["##" + c for c in characters + stripped] + pieces
    return list(dict.fromkeys(all))


def text(r, words):
    return " ".join(r.choice(WORDS) for _ in range(words))


def answer(r, fast, context):
    """A part of the context of up to 6 tokens that begins and ends as words do, of others the
    paper's code takes whole words, and that is there once, or it may take another one."""
    encoded = fast(context, add_special_tokens=False, return_offsets_mapping=True)
    tokens, offsets = encoded.tokens() + [""], encoded["offset_mapping"]
    while True:
        first = r.randrange(len(offsets))
        last = min(first + r.randrange(6), len(offsets) - 1)
        part = context[offsets[first][0] : offsets[last][1]]
        if not tokens[first].startswith("##") and not tokens[last + 1].startswith("##") and context.count(part) == 1:
            return part, offsets[first][0]


def flags(feature):
    """Which tokens of the context have the most context in this window, in order."""
    return [feature.token_is_max_context[i] for i in sorted(feature.token_is_max_context)]


def windows(r, tokenizer, fast):
    cases = []
    for words, limit, stride, most in (3, 384, 128, 64), (40, 24, 8, 4), (60, 40, 5, 8), (20, 24, 1, 10), (1, 12, 3, 4), (80, 60, 20, 20), (80, 60, 20, 20), (300, 100, 33, 20):
        context, question = text(r, words), text(r, 3) + "?"
        if words == 60:
            context += " zebra日 ∑ x"  # ∑ is unknown
        part, start = answer(r, fast, context)
        example = squad.SquadExample("q", question, context, part, start, "t", answers=[{"text": part, "answer_start": start}])
        squad.squad_convert_example_to_features_init(tokenizer)
        features = squad.squad_convert_example_to_features(example, limit, stride, most, "max_length", True)
        cases.append({
            "question": question, "context": context, "max_length": limit, "stride": stride, "max_question": most, "answer": part, "start": start,
            "windows": [{"ids": f.input_ids[: len(f.tokens)], "types": f.token_type_ids[: len(f.tokens)], "central": flags(f),
                         "span": [f.start_position, f.end_position]} for f in features],
        })
    return cases


def predict(r, tokenizer, threshold, null, words, limit, nbest, most):
    context, question = text(r, words), text(r, 3) + "?"
    example = squad.SquadExample("q", question, context, None, None, "t", answers=[])
    squad.squad_convert_example_to_features_init(tokenizer)
    features = squad.squad_convert_example_to_features(example, limit, 9, 12, "max_length", False)
    results = []
    for i, f in enumerate(features):
        f.example_index, f.unique_id = 0, 1000 + i
        logits = [[r.gauss(0, 2) // 0.25 * 0.25 for _ in f.tokens] for _ in range(2)]
        for column in logits:
            column[0] += 3.5
        results.append(squad.SquadResult(f.unique_id, *logits))
    with tempfile.TemporaryDirectory() as dir:
        paths = [os.path.join(dir, name) for name in ("predictions.json", "nbest.json", "odds.json")]
        compute_predictions_logits([example], features, results, nbest, most, True, *paths, False, null, threshold, tokenizer)
        answers, nbests, odds = (json.load(open(p)) if os.path.exists(p) else None for p in paths)
    return {
        "question": question, "context": context, "max_length": limit, "stride": 9, "max_question": 12, "n_best": nbest, "max_answer": most,
        "null": null, "threshold": threshold, "logits": [[x.start_logits, x.end_logits] for x in results],
        "answer": answers["q"], "nbest": nbests["q"], "odds": odds["q"] if null else None,
    }


def main():
    r = random.Random(11)
    vocab = vocabulary()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
        f.write("\n".join(vocab) + "\n")
        f.flush()
        tokenizer = BertTokenizer(f.name, do_lower_case=True, clean_up_tokenization_spaces=True)
        # transformers leaves ## in front of an answer that begins inside a word, and then
        # returns whole words; the paper's code does not.
        tokenizer.convert_tokens_to_string = lambda tokens: " ".join(tokens).replace(" ##", "").replace("##", "")
        fast = BertTokenizerFast(f.name, do_lower_case=True)
    predictions = []
    for i in range(40):
        null = i % 2 == 1
        threshold = r.choice([0.0, 0.0, -6.0, 6.0]) if null else 0.0
        predictions.append(predict(r, tokenizer, threshold, null, r.choice([2, 15, 30]), r.choice([24, 30, 60]), r.choice([1, 3, 20, 20]), r.choice([1, 4, 30])))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "answer.json"), "w") as f:
        json.dump({"vocabulary": vocab, "windows": windows(r, tokenizer, fast), "predictions": predictions}, f, ensure_ascii=False)


main()
