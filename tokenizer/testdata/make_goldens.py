#!/usr/bin/env python3
"""Makes the reference data of this folder and of ../charsmap.

    pip install sentencepiece==0.2.3 protobuf
    python make_goldens.py DATA

DATA is the folder of the corpora (multi30k/train.en, multi30k/train.de,
enja/train.ja, novels/botchan.txt, novels/wagahaiwa_nekodearu.txt). Nothing of
their text is written: the models hold vocabularies, and of the lines only
hashes of what the reference makes of them. Everything is deterministic.

Written:
  NAME.model.gz    small models, trained by the reference, one per combination
                   of options in MODELS
  NAME.golden.gz   JSON, per model:
    hard     list of {text, ids, normalized, decoded}, the strings in base64
    nbest    list of {text, ids: [[...]], scores: [...]} (unigram models)
    decode   list of {ids, text} for arbitrary ids
    corpora  {file: {block: [hash of ids, of normalised text, of decoded text]}}
             for blocks of BLOCK lines; a hash is the first 16 hex digits of the
             SHA-256 of the block's lines, each ended by a newline
  ../charsmap/NAME.bin.gz  the precompiled normalisation rules of the reference
"""

import base64
import gzip
import hashlib
import io
import json
import os
import random
import sys

import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2 as pb

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCK = 250  # lines
LINES = 5000  # lines of each corpus

CORPORA = [
    "multi30k/train.en",
    "multi30k/train.de",
    "enja/train.ja",
    "novels/botchan.txt",
    "novels/wagahaiwa_nekodearu.txt",
]

EUROPEAN = ["multi30k/train.en", "multi30k/train.de"]
JAPANESE = ["enja/train.ja", "novels/wagahaiwa_nekodearu.txt"]
SYMBOLS = ["<sep>", "猫", "dog", "<sep>x", "e\u0301", "Ａ"]

# name -> (input files, options of the reference trainer)
MODELS = {
    "unigram": (EUROPEAN, dict(model_type="unigram", vocab_size=4000)),
    "unigram_bytes": (
        JAPANESE,
        dict(
            model_type="unigram",
            vocab_size=4000,
            byte_fallback=True,
            user_defined_symbols=SYMBOLS,
            control_symbols=["<ctl>", "♡"],
            normalization_rule_name="nfkc",
            pad_id=3,
            split_digits=True,
        ),
    ),
    "unigram_raw": (
        ["novels/botchan.txt"],
        dict(
            model_type="unigram",
            vocab_size=1500,
            normalization_rule_name="nmt_nfkc_cf",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            split_by_whitespace=False,
            user_defined_symbols=SYMBOLS,
            unk_surface="<?>",
        ),
    ),
    "bpe": (EUROPEAN, dict(model_type="bpe", vocab_size=4000)),
    "bpe_bytes": (
        JAPANESE,
        dict(
            model_type="bpe",
            vocab_size=4000,
            byte_fallback=True,
            character_coverage=0.995,
            user_defined_symbols=SYMBOLS,
            control_symbols=["<ctl>", "♡"],
            normalization_rule_name="identity",
            bos_id=-1,
            pad_id=0,
            unk_id=3,
        ),
    ),
    "bpe_suffix": (
        ["novels/botchan.txt"],
        dict(
            model_type="bpe",
            vocab_size=1500,
            normalization_rule_name="nfkc_cf",
            treat_whitespace_as_suffix=True,
            split_by_whitespace=False,
        ),
    ),
}


def retire_pieces(model):
    """Marks every seventh normal piece as unused, as a vocabulary restriction does."""
    proto = pb.ModelProto.FromString(model)
    for i, p in enumerate(proto.pieces):
        if p.type == pb.ModelProto.SentencePiece.NORMAL and len(p.piece) > 1 and i % 7 == 0:
            p.type = pb.ModelProto.SentencePiece.UNUSED
    return proto.SerializeToString(deterministic=True)


# name -> (model that it is made of, what is done to it)
DERIVED = {
    "unigram_unused": ("unigram", retire_pieces),
    "bpe_unused": ("bpe", retire_pieces),
}


def hard_strings():
    """Strings that break tokenizers, as bytes."""
    text = """
     |  |   a|a   |  a  b  |\t|\ta\tb\t|a\tb|\n|a\nb|\r\n|a\r\nb|a\u00a0b|\u00a0|\u3000|　猫　が　|
    \u2028|a\u2029b|\u200b|a\u200bb|\u200b \u200b|\u200c\u200d|\ufeff|\ufeffabc|a\ufeffb|\u2060x|\u00ad|so\u00adft|
    \u2581|\u2581\u2581|a\u2581b|\u2581a|a\u2581| \u2581 |\u2585|a\u2585b|\u2047|\ufffd|a\ufffdb|
    \x01|a\x02b|\x7f|a\x1b[31mred\x1b[0m|\x08|\x85|a\x85b|\x9f|
    é|e\u0301|e\u0301\u0301|\u0301|\u0301e|a\u0300\u0323|ñandú|n\u0303|Å|A\u030a|ﬁne|ﬀ|Ǆ|ß|ẞ|STRASSE|İstanbul|ı|ŉ|ſ|ΐ|ς|ΣΑΣ|
    가|각|\u1100\u1161\u11a8|ᄀ|한국어 문장|
    ｶﾞｷﾞｸﾞ|ﾊﾟ|ﾊﾞﾞ|ｱｲｳｴｵ|カ\u3099|か\u3099|は\u309a|ゞ|ヷ|ー|〜|～|ｰ|。｡|「」｢｣|
    ＡＢＣ１２３|！？（）|ａｂｃ　ｄｅｆ|￥|￦|１０％|①②③|㊗|㍿|㌔|㈱|㍻|Ⅳ|ⅷ|½|¼|x²|H₂O|™|℃|Ω|µ|…|‥|‼|
    😀|👩\u200d👩\u200d👧\u200d👦|🏳\ufe0f\u200d🌈|👍🏽|🇯🇵|🇩🇪🇫🇷|☺\ufe0f|❤\ufe0f|\U0001f9d1\u200d\U0001f680|a😀b|
    吾輩は猫である。名前はまだ無い。|猫猫猫|猫 猫|黒猫が好き|私は dog と 猫|葛\U000e0100飾区|辻\U000e0101|𠮷野家|𠮟る|龘|鷗外|〆切|々|ヶ|
    Ein Mann fährt Fahrrad.|Zwei junge weiße Männer sind im Freien.|Donaudampfschifffahrtsgesellschaft|
    Two young, White males are outside near many bushes.|I'm here; you're there...|don't|U.S.A.|e.g., i.e.|
    0|0123456789|3.14159|1,000,000|١٢٣|०१२|𝟘𝟙𝟚|𝐀𝐁𝐂|𝒜|ℌ|
    <s>|</s>|<unk>|<pad>|<ctl>|♡|a♡b|<sep>|a<sep>b|<sep>x|<sep>xx|<sep><sep>| <sep> |<sep|sep>|dog|hotdogs|dogdog|e\u0301a|Ａ|ＡＡ|
    <0x41>|<0x00>|<0xFF>|a<0x0A>b|&amp;|&nbsp;|&#39;|http://example.org/?q=1&x=%20|me@example.org|C:\\dir\\file|
    מה שלומך|السلام عليكم|\u202eabc\u202c|\u200fא|ไทยไม่มีช่องว่าง|हिन्दी|தமிழ்|ខ្មែរ|བོད|\u0f0b|Ελληνικά|Русский текст|ქართული|Հայերեն|
    \u0378|\u0e00|\u2fe0|\U0001fbff|\U000e0001|\U000e0041|\U0010fffe|\U0010ffff|\uffff|\ufdd0|\ue000|\uf8ff|\U000f0000|
    \u0149|\u0344|\u0f71\u0f72|\u0fb2\u0f81|\u1e9b\u0323|\ufb2c|\ufdfa|\ufe00|\u3300|\u33ff|\U0001d15e|\U0002f800|\ufa10|
    a|ab|A|Z|.|..|...|!|?!|-|--|—|'|''|"|`|~|^|\\|/|(|)|[]|{}|@|#|$|€|£|§|°|¬|¦|
    \u0009\u000b\u000c|a\u000bb|a\u000cb|a\u1680b|a\u2003b|a\u202fb|a\u205fb|\u180e|a\u180eb|x\u034fy|\u115f|\u3164|\uffa0|
    the the the|THE The tHE|aAaAaA|xyzzy qwrtpsdfg|zzzzzzzzzzzzzzzzzzzz|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|ababababababab
    """
    out = [s.encode() for s in text.replace("\n    ", "").strip("\n").split("|")]
    out += [b"", b"|", b"\x00", b"a\x00b", b"\x00\x00 \x00", b"a \x00 b", b" " * 100, b" a" * 100]
    out += [
        b"\xff", b"\xff\xfeabc", b"a\xffb", b"\xc3", b"\xc3(", b"a\xc3", b"\xe3\x81", b"\xe3\x81a", b"\xe7\x8c\xe7\x8c\xab",
        b"\xf0\x9f\x98", b"\xf0\x9f", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xc0\x80", b"\xc0\xaf", b"\xe0\x80\x80", b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80", b"\xfc\x84", b"\x80", b"\xbf\xbf", b"a\x80 b", b"\xff \xff", b"\xe2\x96", b"\xe2\x96\x81\xff",
        bytes(range(256)), bytes(range(255, -1, -1)),
    ]
    out += ["a".encode() * 10000, "猫が".encode() * 5000, "é".encode() * 10000, "😀".encode() * 3000, b"ab " * 3000]
    out += ["ein mann ".encode() * 1000, b"\xff" * 1000, "龘".encode() * 3000, "e\u0301".encode() * 3000, b"0123456789" * 1000]
    rng = random.Random(7)
    pools = ["abcdefghij <sep>dog\u2581\u0301", "猫がのをに、。　ｶﾞＡ１dog", "\t\n \u00a0\u3000\u200bab", "ÄÖÜäöüßéè abc"]
    for pool in pools:
        for _ in range(40):
            out.append("".join(rng.choice(pool) for _ in range(rng.randint(1, 40))).encode())
    for _ in range(40):
        out.append(bytes(rng.choice(b"ab \x80\xc3\xe3\x81\x82\xff\xf0\x9f\xa9") for _ in range(rng.randint(1, 30))))
    for _ in range(60):
        out.append("".join(chr(c) for c in (rng.randrange(0x110000) for _ in range(12)) if not 0xD800 <= c < 0xE000).encode())
    return out


SENTENCES = [
    "A man rides a bicycle.", "hello world", "dogdog <sep> dog", "Zwei Männer stehen am Herd und bereiten Essen zu.",
    "吾輩は猫である。名前はまだ無い。", "どこで生れたかとんと見当がつかぬ。", "I am reading a book in the garden with my friend.",
    "aaaaaaaaaaaa", "x", "It was the best of times, it was the worst of times.",
]


def b64(b):
    return base64.b64encode(b).decode()


def digest(lines):
    return hashlib.sha256(b"".join(l + b"\n" for l in lines)).hexdigest()[:16]


def as_bytes(s):
    return s if isinstance(s, bytes) else s.encode()


def id_line(ids):
    return " ".join(map(str, ids)).encode()


def corpus_goldens(sp, data):
    out = {}
    for name in CORPORA:
        with open(os.path.join(data, name), "rb") as f:
            lines = f.read().split(b"\n")[:LINES]
        blocks = []
        for i in range(0, len(lines), BLOCK):
            block = lines[i : i + BLOCK]
            ids = [sp.encode(l, out_type=int) for l in block]
            norm = [as_bytes(sp.normalize(l)) for l in block]
            text = [as_bytes(sp.decode(x, out_type=bytes)) if x else b"" for x in ids]
            blocks.append([digest(map(id_line, ids)), digest(norm), digest(text)])
        out[name] = blocks
    return out


def goldens(model, data):
    sp = spm.SentencePieceProcessor(model_proto=model)
    proto = pb.ModelProto.FromString(model)
    hard = []
    for s in hard_strings():
        ids = sp.encode(s, out_type=int)
        text = as_bytes(sp.decode(ids, out_type=bytes)) if ids else b""
        hard.append(dict(text=b64(s), ids=ids, normalized=b64(as_bytes(sp.normalize(s))), decoded=b64(text)))
    nbest = []
    if proto.trainer_spec.model_type == pb.TrainerSpec.UNIGRAM:
        for s in SENTENCES:
            found = pb_nbest(sp, s, 10)
            nbest.append(dict(text=s, ids=[x for x, _ in found], scores=[y for _, y in found]))
    rng = random.Random(11)
    decode = []
    for n in range(200):
        ids = [rng.randrange(300 if n % 2 else sp.get_piece_size()) for _ in range(rng.randint(1, 12))]
        decode.append(dict(ids=ids, text=b64(as_bytes(sp.decode(ids, out_type=bytes)))))
    return dict(
        version=spm.__version__, algorithm=int(proto.trainer_spec.model_type), block=BLOCK,
        special=[sp.unk_id(), sp.bos_id(), sp.eos_id(), sp.pad_id()],
        hard=hard, nbest=nbest, decode=decode, corpora=corpus_goldens(sp, data),
    )


def pb_nbest(sp, text, n):
    from sentencepiece import sentencepiece_pb2

    raw = sp.nbest_encode(text, nbest_size=n, out_type="serialized_proto")
    parsed = sentencepiece_pb2.NBestSentencePieceText.FromString(raw)
    return [([p.id for p in x.pieces], x.score) for x in parsed.nbests]


def write_gz(path, data):
    buf = io.BytesIO()
    with gzip.GzipFile(fileobj=buf, mode="wb", compresslevel=9, mtime=0) as f:
        f.write(data)
    with open(path, "wb") as f:
        f.write(buf.getvalue())


def main(data):
    models = {}
    for name, (files, options) in MODELS.items():
        out = io.BytesIO()
        spm.SentencePieceTrainer.train(
            input=[os.path.join(data, f) for f in files], model_writer=out, num_threads=1, minloglevel=1, **options
        )
        proto = pb.ModelProto.FromString(out.getvalue())
        del proto.trainer_spec.input[:]  # paths of this machine
        models[name] = proto.SerializeToString(deterministic=True)
    for name, (base, change) in DERIVED.items():
        models[name] = change(models[base])
    for name, model in models.items():
        write_gz(os.path.join(HERE, name + ".model.gz"), model)
        write_gz(os.path.join(HERE, name + ".golden.gz"), json.dumps(goldens(model, data)).encode())
    for name in ["nfkc", "nfkc_cf", "nmt_nfkc", "nmt_nfkc_cf"]:
        out = io.BytesIO()
        spm.SentencePieceTrainer.train(
            sentence_iterator=iter(["a b c"] * 10), model_writer=out, vocab_size=8, hard_vocab_limit=False,
            model_type="char", normalization_rule_name=name, minloglevel=1,
        )
        spec = pb.ModelProto.FromString(out.getvalue()).normalizer_spec
        write_gz(os.path.join(HERE, "..", "charsmap", name + ".bin.gz"), spec.precompiled_charsmap)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
