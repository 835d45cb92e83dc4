"""Writes text as published Multi30k figures have it: lower case, punctuation
normalised, tokenised by the rules of Moses.

    pip install sacremoses==0.2.0
    python moses.py LANGUAGE < text > tokenised
"""

import sys

from sacremoses import MosesPunctNormalizer, MosesTokenizer


def main():
    language = sys.argv[1]
    normalizer, tokenizer = MosesPunctNormalizer(language), MosesTokenizer(language)
    for line in sys.stdin:
        text = normalizer.normalize(line.rstrip("\n").lower())
        print(tokenizer.tokenize(text, return_str=True, escape=False))


main()
