#!/usr/bin/env python3
"""Encodes strings with the reference: encode_with_reference.py MODEL < STRINGS

    pip install sentencepiece==0.2.3

STRINGS has a string a line, in base64; the output has the ids of each, a line.
TestReferenceReadsTrained runs this script.
"""

import base64
import sys

import sentencepiece as spm

sp = spm.SentencePieceProcessor(model_file=sys.argv[1])
for line in sys.stdin:
    print(*sp.encode(base64.b64decode(line), out_type=int))
