"""Prints the number of lines on standard input and the SHA-256 of their ids by the reference's
tokenizer of a folder, four bytes each, the lowest first, and ff ff ff ff after each line.

    pip install tokenizers
    go run ./tokenizer/testdata/lines.go | python hash_with_reference.py WEIGHTS/minilm
"""

import hashlib
import struct
import sys

from tokenizers import Tokenizer


def main():
    tokenizer = Tokenizer.from_file(sys.argv[1] + "/tokenizer.json")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    lines = sys.stdin.read().splitlines()
    digest = hashlib.sha256()
    for encoding in tokenizer.encode_batch(lines, add_special_tokens=False):
        digest.update(struct.pack(f"<{len(encoding.ids) + 1}I", *encoding.ids, 0xFFFFFFFF))
    print(len(lines), digest.hexdigest())


if __name__ == "__main__":
    main()
