#!/usr/bin/env python3
"""Encodes strings with the reference: wordpiece_with_reference.py FOLDER < STRINGS

    pip install tokenizers==0.23.3 transformers==5.24.0

FOLDER has tokenizer.json, or vocab.txt and tokenizer_config.json. STRINGS has a
string of valid UTF-8 a line, in base64. The output has a line of each: the ids,
and where each piece begins and ends, in bytes. TestWordPieceReference runs this
script.
"""

import base64
import os
import sys

file = os.path.join(sys.argv[1], "tokenizer.json")
if os.path.exists(file):
    from tokenizers import Tokenizer

    t = Tokenizer.from_file(file)
else:
    from transformers import BertTokenizerFast

    t = BertTokenizerFast.from_pretrained(sys.argv[1]).backend_tokenizer
t.no_truncation()
t.no_padding()
for line in sys.stdin:
    text = base64.b64decode(line).decode()
    e = t.encode(text, add_special_tokens=False)
    places = [0]
    for c in text:
        places.append(places[-1] + len(c.encode()))
    print(*e.ids, *(places[x] for pair in e.offsets for x in pair))
