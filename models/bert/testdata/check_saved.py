"""Checks that transformers opens what kotoba train saves, and finds the same in it.

    pip install torch transformers
    python check_saved.py KOTOBA ENCODER

KOTOBA is the program, ENCODER a folder such as WEIGHTS/tiny of fetch_weights.sh. A run of
each kind is trained from it for some steps, in a temporary folder.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from transformers import AutoModelForPreTraining, AutoModelForQuestionAnswering, AutoTokenizer, pipeline

TEXTS = ["what a good film", "Bad, very BAD!", "naïve 日本 [MASK] x", "", "a " * 100]
LABELLED = [("a good film", "good", 4.5, "film 3"), ("a bad film", "bad", 1, "film 1"), ("neither", "middling", 2.5, "none"), ("good fun", "good", 4, "fun")] * 8
WORDS = "Angela\tB-PER\nMerkel\tI-PER\nwas\tO\nin\tO\nParis\tB-LOC\n.\tO\n\nshe\tO\nleft\tO\nBonn\tB-LOC\n\n" * 8
SENTENCES = ["Angela Merkel was in Paris .", "they left Bonn", "naïve Éperlecques"]
CONTEXT = "The bridge, built in 1894 by John Wolfe Barry, is in London."
QUESTIONS = {"When was it built?": "1894", "Who built it?": "John Wolfe Barry", "Where is it?": "London"}
DOCUMENTS = "The river froze twice that winter.\nNobody crossed it.\nIn spring it broke.\n\nPrices rose in May.\nThey fell in June.\nNobody knew why.\n\n" * 8
MASKED = ["the river [MASK] twice .", "prices [MASK] in may ."]


def kotoba(program, *args, text=""):
    return subprocess.run([program, *map(str, args)], input=text, stdout=subprocess.PIPE, text=True, check=True).stdout


class Check:
    """Runs of one encoder, in a folder."""

    def __init__(self, program, encoder, folder):
        self.program, self.encoder, self.folder = program, encoder, folder

    def train(self, name, preset, *args):
        run = self.folder / name
        kotoba(self.program, "train", "--preset", preset, "--init", self.encoder, "--dir", run, "--set", "training.max_epochs=60", "--set", "training.max_steps=60", "--set", "training.rate=1e-3", *args)
        return run

    def say(self, verb, run, lines, *args):
        """Returns what a verb says of lines of standard input."""
        return [json.loads(line) for line in kotoba(self.program, verb, run, "--json", *args, text="\n".join(lines) + "\n").splitlines()]

    def table(self, name, label):
        file = self.folder / (name + ".tsv")
        file.write_text("text\tpair\tlabel\n" + "".join(f"{row[0]}\t{row[3]}\t{row[label]}\n" for row in LABELLED))
        return ["--train", file, "--dev", file, "--text", "text", "--label", "label"]

    def classifier(self):
        run = self.train("classifier", "bert-classify", *self.table("labels", 1))
        theirs = pipeline("text-classification", model=str(run), top_k=None)
        for text, got in zip(TEXTS, self.say("classify", run, TEXTS), strict=True):
            want = {label["label"]: label["score"] for label in theirs([text])[0]}
            got = {label["label"]: label["score"] for label in got}
            assert want.keys() == got.keys(), (text, want, got)
            yield from (abs(want[label] - got[label]) for label in want)

    def regression(self):
        run = self.train("regression", "bert-classify", *self.table("numbers", 2), "--set", "data.regression=true")
        theirs = pipeline("text-classification", model=str(run))
        for text, got in zip(TEXTS, self.say("classify", run, TEXTS), strict=True):
            yield abs(theirs([text])[0]["score"] - got[0]["score"])

    def labels(self):
        file = self.folder / "words.conll"
        file.write_text(WORDS)
        run = self.train("labels", "bert-label", "--train", file, "--dev", file)
        theirs = pipeline("token-classification", model=str(run), aggregation_strategy="first")
        for text, got in zip(SENTENCES, self.say("label", run, SENTENCES), strict=True):
            want = theirs(text)
            place = lambda part: (part["entity_group"], part["start"], part["end"])
            assert [place(x) for x in want] == [place(x) for x in got], (text, want, got)
            yield from (abs(x["score"] - y["score"]) for x, y in zip(want, got))

    def answers(self):
        asked = [{"id": f"{q} {n}", "question": q, "answers": [{"text": a, "answer_start": CONTEXT.index(a)}]} for q, a in QUESTIONS.items() for n in range(8)]
        file = self.folder / "questions.json"
        file.write_text(json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": CONTEXT, "qas": asked}]}]}))
        context = self.folder / "context.txt"
        context.write_text(CONTEXT)
        run = self.train("answers", "bert-qa", "--train", file, "--dev", file)
        tokenizer, model = AutoTokenizer.from_pretrained(run), AutoModelForQuestionAnswering.from_pretrained(run).eval()
        for question in QUESTIONS:
            got = json.loads(kotoba(self.program, "answer", run, "--question", question, "--context", context, "--top-k", 20, "--json"))
            batch = tokenizer(question, CONTEXT, return_tensors="pt", return_offsets_mapping=True)
            places = batch.pop("offset_mapping")[0].tolist()
            with torch.no_grad():
                out = model(**batch)
            inside = [i for i, of in enumerate(batch.sequence_ids()) if of == 1]
            spans = {}
            for i in inside:
                for j in inside:
                    if i <= j < i + 30:
                        spans[places[i][0], places[j][1]] = (out.start_logits[0, i] + out.end_logits[0, j]).item()
            best = max(spans, key=spans.get)
            assert (got[0]["start"], got[0]["end"]) == best, (question, best, got[0])
            # Scores are probabilities among the best 20.
            total = torch.logsumexp(torch.tensor([spans[x["start"], x["end"]] for x in got]), 0).item()
            yield from (abs(x["score"] - torch.tensor(spans[x["start"], x["end"]] - total).exp().item()) for x in got)

    def pretraining(self):
        text, instances = self.folder / "documents.txt", self.folder / "instances"
        text.write_text(DOCUMENTS)
        kotoba(self.program, "pretrain-data", "--tokenizer", self.encoder, "--in", text, "--out", instances, "--max-length", 32, "--valid-share", 0.2)
        run = self.train("pretraining", "bert-tiny", "--data", instances)
        _, loaded = AutoModelForPreTraining.from_pretrained(run, output_loading_info=True)
        assert not any(loaded.values()), loaded
        theirs = pipeline("fill-mask", model=str(run))
        for text, got in zip(MASKED, self.say("fill-mask", run, MASKED, "--top-k", 5), strict=True):
            want = theirs(text, top_k=5)
            assert [x["token"] for x in want] == [x["token"] for x in got], (text, want, got)
            yield from (abs(x["score"] - y["score"]) for x, y in zip(want, got))


def main():
    program, encoder = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        check = Check(program, encoder, pathlib.Path(folder))
        for kind in check.classifier, check.regression, check.labels, check.answers, check.pretraining:
            differences = list(kind())
            print(f"{kind.__name__}: {len(differences)} values, largest difference {max(differences):.1g}", flush=True)
            assert max(differences) < 1e-4


if __name__ == "__main__":
    main()
