"""Writes goldens.json: scores of sacreBLEU that the tests compare with.

Run it in this directory with sacreBLEU 2.6.0 installed:

    python make_goldens.py
"""

import json
import random

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import PairedTest

# Hypothesis, first and second reference.
HARD = [
    ("The cat sat on the mat.", "The cat sat on the mat.", "A cat was sitting on the mat."),
    ("", "Nothing came out.", "No output"),
    ("It came out of nowhere", "", "Out of nowhere it came"),
    ("Prices rose 3.5% to $1,234.56 in 2019-20.", "Prices went up 3.5% to $1,234.56 in 2019-2020.", "In 2019-20, prices rose by 3.5 % to 1234.56 $."),
    ("&quot;Yes&quot; &amp; &lt;no&gt; &amp;lt; &apos;", '"Yes" & <no> < \'', "&quot;Yes&quot; and <no>"),
    ("He said: \"Don't!\" -- and left...", "He said \"don't\", then left…", "\u201cDon\u2019t!\u201d he said \u2013 and left."),
    ("state-of-the-art, well-known 5-year-old e-mail", "state of the art, well known five-year-old email", "state-of-the-art well-known 5-year old e-mail"),
    ("a<skipped>b -\nc\nd", "ab c d", "a b -c d"),
    ("吾輩は猫である。名前はまだ無い。", "吾輩は猫である。名前はまだない。", "私は猫です。名前はまだありません。"),
    ("今日は2019年3月15日です、AIの時代!", "今日は2019年3月15日だ、ＡＩの時代！", "2019年3月15日、AI 時代"),
    ("我们在北京大学学习(NLP)。", "我们在北京大学学习（NLP）。", "我们 在 北大 学 NLP 。"),
    ("\U00020000\U0002f800 \u2e80\u31c0\u3105 “x” — ∑ ☃", "\U00020000 \u2e80\u31c0 \"x\" - ∑ ☃", "☃ ∑ — “x”"),
    ("I ❤️ 🍣 and 👩‍👩‍👧!! 😀😀", "I love 🍣 and 👩‍👩‍👧! 😀", "❤️ 🍣 😀😀"),
    ("¿Dónde está? ¡Aquí! «oui» „ja“ ‚so‘", "¿Donde esta? ¡Aqui! « oui » „ja“", "Dónde está? Aquí! «oui»"),
    ("ΟΔΥΣΣΕΥΣ ΣΟΦΟΣ. Σ ΑΣ' İstanbul STRASSE ẞ", "οδυσσευς σοφος. σ ας' i̇stanbul strasse ß", "Οδυσσεύς σοφός istanbul"),
    ("x\u00a0y\u2003z\u3000w\x1cv\u200bu", "x y z w v u", "x y z w\u3000v u"),
    ("  leading and trailing \t ", "leading and trailing", " leading  and  trailing"),
    ("1,000,000 .5 5. 5.a a.5 ,b, 3-4 -5 a-b", "1,000,000 0.5 5 5.a a.5 b 3-4 -5 a-b", "1.000.000 .5"),
    ("(hi) [a] {b} `c` ~d~ e^f g_h i|j k\\l @m #n *o", "(hi) [a] {b} c d e^f g_h i|j k\\l m n o", "hi a b c"),
    ("+1/2=0.5; 50% © ™ € £5 ¥100 ½ ² ٣٫٥ १.२", "+1/2=.5; 50 % © ™ € £5 ¥100 ½ ²", "1/2 = 0.5"),
    ("the the the the the the the", "the cat is on the mat", "there is a cat on the mat"),
    (".", "?", "!"),
    ("a", "a", "b"),
    ("one two three", "one two three", "one two three four"),
    ("ｶﾀｶﾅ ㍿ ㊙ 한국어 العربية، עברית: ไทย", "カタカナ ㍿ ㊙ 한국어 العربية עברית ไทย", "ｶﾀｶﾅ 한국어"),
]

WORDS = (
    "the a of to in and that it was for on are with as his they be at one have this "
    "from or had by hot but some what there we can out other were all your when up use "
    "word how said an each she which do their time if will way about many then them "
    "Tokyo Kyoto Dr. U.S. e.g. 3.14 1,024 2019 15th 50% don't it's well-known (see) "
    '"quoted" A-1 co-op $5 #1 &amp; x/y'
).split()
KANA = "私は彼女の本を昨日図書館で読みました。東京から京都まで電車行く、三月十五日「会議」始まる？"


def synthetic(rng, size):
    """Returns references, a good system, a worse one and other references."""

    def sentence():
        if rng.random() < 0.2:
            return [rng.choice(KANA) for _ in range(rng.randint(3, 30))]
        return [rng.choice(WORDS) for _ in range(rng.randint(1, 30))] + [rng.choice(".?!")]

    def noisy(words, rate):
        out = []
        for w in words:
            r = rng.random()
            if r < rate * 0.4:
                out.append(rng.choice(WORDS))
            elif r < rate * 0.6:
                out.append(w.swapcase())
            elif r < rate * 0.8:
                out = [w] + out
            elif r > rate:
                out.append(w)
        return out

    def text(words):
        return ("" if words and words[-1] in KANA else " ").join(words)

    references = [sentence() for _ in range(size)]
    return {
        "hyp": [text(noisy(s, 0.30)) for s in references],
        "base": [text(noisy(s, 0.33)) for s in references],
        "refs": [[text(s) for s in references], [text(noisy(s, 0.5)) for s in references]],
    }


CORPORA = {
    "hard": {
        "hyp": [h for h, _, _ in HARD],
        "base": [r for _, _, r in HARD],
        "refs": [[r for _, r, _ in HARD], [r for _, _, r in HARD]],
    },
    "synthetic": synthetic(random.Random(7), 300),
}

BLEU_CONFIGS = (
    [{"tokenize": t} for t in ("13a", "intl", "char", "zh", "none")]
    + [{"lowercase": True}, {"lowercase": True, "tokenize": "intl"}]
    + [{"smooth_method": s} for s in ("floor", "add-k", "none")]
    + [{"smooth_method": "floor", "smooth_value": 0.25}, {"smooth_method": "add-k", "smooth_value": 2}]
    + [{"effective_order": True}, {"effective_order": True, "smooth_method": "floor"}]
)
CHRF_CONFIGS = [{}, {"word_order": 2}, {"word_order": 1, "lowercase": True}]


def scores(name, corpus, metric_type, configs):
    for config in configs:
        for refs in (corpus["refs"][:1], corpus["refs"]):
            metric = metric_type(**config)
            score = metric.corpus_score(corpus["hyp"], refs)
            golden = {
                "corpus": name,
                "config": config,
                "references": len(refs),
                "score": score.score,
                "text": str(score),
                "signature": str(metric.get_signature()),
                "sentences": [
                    metric.sentence_score(h, list(r)).score
                    for h, *r in zip(corpus["hyp"], *refs)
                ],
            }
            if metric_type is BLEU:
                golden |= {
                    "precisions": score.precisions,
                    "bp": score.bp,
                    "sys_len": score.sys_len,
                    "ref_len": score.ref_len,
                }
            yield golden


def bootstrap(name, corpus, metric, config, samples):
    score = metric.corpus_score(corpus["hyp"], corpus["refs"], n_bootstrap=samples)
    signature = str(metric.get_signature())
    return {
        "corpus": name,
        "metric": type(metric).__name__,
        "config": config,
        "samples": samples,
        "mean": float(score._mean),
        "half_width": float(score._ci),
        "text": score.format(signature=signature),
    }


def paired(name, corpus, metric, config, kind, samples):
    systems = [("base", corpus["base"]), ("hyp", corpus["hyp"])]
    signatures, table = PairedTest(systems, {"m": metric}, corpus["refs"][:1], kind, samples)()
    (key,) = signatures
    return {
        "corpus": name,
        "metric": type(metric).__name__,
        "config": config,
        "kind": kind,
        "samples": samples,
        "baseline": table[key][0].score,
        "system": table[key][1].score,
        "p_value": table[key][1].p_value,
        "signature": str(signatures[key]),
    }


def main():
    goldens = {
        "version": sacrebleu.__version__,
        "corpora": CORPORA,
        "tokens": {
            t: [BLEU(tokenize=t)._preprocess_segment(s).split() for triple in HARD for s in triple]
            for t in ("13a", "intl", "char", "zh", "none")
        },
        "lower": [s.lower() for triple in HARD for s in triple],
        "bleu": [g for n, c in CORPORA.items() for g in scores(n, c, BLEU, BLEU_CONFIGS)],
        "chrf": [g for n, c in CORPORA.items() for g in scores(n, c, CHRF, CHRF_CONFIGS)],
        "bootstrap": [
            bootstrap(n, CORPORA[n], m(**config), config, samples)
            for n in CORPORA
            for m, config, samples in (
                (BLEU, {}, 1000),
                (BLEU, {"smooth_method": "add-k"}, 50),
                (BLEU, {"smooth_method": "floor", "effective_order": True}, 50),
                (CHRF, {}, 1000),
                (CHRF, {"word_order": 2}, 50),
            )
        ],
        "paired": [
            paired(n, CORPORA[n], m(**config), config, kind, samples)
            for n in CORPORA
            for m, config in ((BLEU, {}), (CHRF, {}), (CHRF, {"word_order": 2}))
            for kind, samples in (("bs", 1000), ("ar", 1000))
        ],
    }
    with open("goldens.json", "w", encoding="utf-8") as f:
        json.dump(goldens, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
