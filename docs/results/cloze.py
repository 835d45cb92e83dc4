"""Makes questions of plain text, in the form of SQuAD, that need no one to ask them: what a
model has to do to answer is then known before the few real questions come.

    python3 cloze.py TEXT QUESTIONS > OUT

TEXT has a paragraph a line, of WikiText. QUESTIONS is a file in the form of SQuAD, of which the
paragraphs of all but the last fifth are taken and nothing else. A question is a sentence of a
paragraph without one of its names, numbers or phrases; the answer is where that stands in
the rest of the paragraph (after Lewis et al. 2019, https://arxiv.org/abs/1906.04980, and Ram et
al. 2021, https://arxiv.org/abs/2101.00438).
"""

import hashlib
import json
import random
import re
import sys

SHARE = 0.2  # of the questions, kept for validation
MOST = 8  # questions of a paragraph
LONGEST = 5  # words of an answer
SMALL = set("""a an the of to in is that it its for on with as was be by not do have from at which who this these those he she they his her
their him them were are been had has but and or also into than then there when where while after before during more most other some such
only no up out over one first two new would could all can will may about between through both so if being used made known many
how what i we you""".split())


def paragraphs(text, questions):
    with open(text, encoding="utf-8") as f:
        for line in f:
            line = line.strip()
            if line.startswith("=") or len(line.split()) < 40:
                continue
            line = line.replace(" @-@ ", "-").replace(" @,@ ", ",").replace(" @.@ ", ".")
            line = re.sub(r" ([.,;:!?)%]|'s\b|n't\b)", r"\1", line).replace("( ", "(")
            yield re.sub(r'" ([^"]*?) "', r'"\1"', line)
    with open(questions, encoding="utf-8") as f:
        articles = json.load(f)["data"]
    counts = [sum(len(p["qas"]) for p in a["paragraphs"]) for a in articles]
    left = int(sum(counts) * (1 - SHARE))
    for article, n in zip(articles, counts):
        left -= n
        if left < 0:
            return
        yield from (p["context"] for p in article["paragraphs"])


def phrases(sentence):
    """Returns the runs of words that can be answers, as they stand."""
    words = [(m.group(), m.start(), m.end()) for m in re.finditer(r"[^\s,;:()\"“”]+", sentence.rstrip(".!? "))]
    for i in range(len(words)):
        for j in range(i, min(i + LONGEST, len(words))):
            run = words[i : j + 1]
            if any(b[1] - a[2] != 1 for a, b in zip(run, run[1:])):
                break
            if run[0][0].lower() in SMALL or run[-1][0].lower() in SMALL or "<unk>" in sentence[run[0][1] : run[-1][2]]:
                continue
            yield sentence[run[0][1] : run[-1][2]]


def asked(r, paragraph):
    """Returns the questions of a paragraph: the rest of it, the question and the answer."""
    sentences = re.split(r"(?<=[.!?]) (?=[A-Z\"“])", paragraph)
    found = []
    for i, sentence in enumerate(sentences):
        rest = " ".join(sentences[:i] + sentences[i + 1 :])
        if not 5 < len(sentence.split()) < 40 or len(rest.split()) < 20:
            continue
        here = {p for p in phrases(sentence) if sentence.count(p) == 1 and len(p) > 2}
        here = {p for p in here if re.search(r"(?<!\w)" + re.escape(p) + r"(?!\w)", rest)}
        here = {p for p in here if not any(p != q and p in q for q in here)}  # the longest alone
        for p in sorted(here):
            found.append((i, rest, sentence, p))
    r.shuffle(found)
    # Names and numbers come first, and of each phrase one question.
    found.sort(key=lambda x: not re.search(r"[A-Z0-9]", x[3]))
    seen = set()
    for _, rest, sentence, p in found:
        if p in seen:
            continue
        seen.add(p)
        at = re.search(r"(?<!\w)" + re.escape(p) + r"(?!\w)", rest).start()
        word = "how many" if re.fullmatch(r"[\d.,]+", p) and len(p) != 4 else "when" if re.fullmatch(r"\d{4}", p) else "what"
        yield rest, re.sub(r"[.!]$", "?", sentence.replace(p, word, 1)), p, at


def main():
    r, data, n = random.Random(1), [], 0
    for paragraph in paragraphs(*sys.argv[1:]):
        for k, (context, question, answer, at) in enumerate(asked(r, paragraph)):
            if k == MOST:
                break
            n += 1
            name = hashlib.sha1(f"{context}{question}".encode()).hexdigest()
            data.append({"context": context, "qas": [{"id": name, "question": question, "answers": [{"text": answer, "answer_start": at}]}]})
    articles = [{"title": str(i), "paragraphs": data[i : i + 20]} for i in range(0, len(data), 20)]
    json.dump({"version": "1.1", "data": articles}, sys.stdout, ensure_ascii=False)
    print(n, "questions", file=sys.stderr)


if __name__ == "__main__":
    main()
