"""Writes corpora as kotoba pretrain-data reads them: a sentence a line, and an empty
line between two documents.

    python documents.py DATA OUT

DATA holds wikitext2/valid.txt, ptb/ptb.train.txt, novels/botchan.txt,
shakespeare/input.txt and glue/SST-2/train.tsv, of which the labels are left out. Penn
Treebank and SST-2 have no marks of documents: there, one is made of 20 sentences each.
"""

import os
import re
import sys


def sentences(paragraph):
    """A paragraph, cut after what ends a sentence."""
    return re.split(r"(?<=[.!?])[\"')]*\s+(?=[\"'(A-Z])", " ".join(paragraph.split()))


def wikitext(text):
    text = re.sub(r" @(.)@ ", r"\1", text.replace("<unk>", "[UNK]"))
    document = []
    for line in text.splitlines():
        if re.fullmatch(r" = [^=]+ = ", line) and document:
            yield document
            document = []
        if line.strip() and not line.startswith(" ="):
            document += sentences(line)
    yield document


def treebank(text):
    lines = text.replace("<unk>", "[UNK]").splitlines()
    for i in range(0, len(lines), 20):
        yield [line.strip() for line in lines[i:i + 20]]


def reviews(text):
    lines = [line.split("\t")[0].strip() for line in text.splitlines()[1:]]
    for i in range(0, len(lines), 20):
        yield lines[i:i + 20]


def novel(text):
    for chapter in re.split(r"\nCHAPTER [IVX]+\n", text):
        yield sentences(chapter)


def play(text):
    speeches = text.split("\n\n")
    for i in range(0, len(speeches), 20):
        yield [" ".join(s.split()) for s in speeches[i:i + 20]]


def main():
    data, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    for path, documents in [
        ("wikitext2/valid.txt", wikitext), ("ptb/ptb.train.txt", treebank),
        ("novels/botchan.txt", novel), ("shakespeare/input.txt", play),
        ("glue/SST-2/train.tsv", reviews),
    ]:
        with open(os.path.join(data, path), encoding="utf-8") as f:
            text = f.read()
        with open(os.path.join(out, os.path.basename(os.path.dirname(path)) + ".txt"), "w", encoding="utf-8") as f:
            f.write("\n\n".join("\n".join(d) for d in documents(text)) + "\n")


if __name__ == "__main__":
    main()
