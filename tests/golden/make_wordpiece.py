"""Vocabularies by Hugging Face's WordPieceTrainer (pip install tokenizers; these: 0.23.3), for tests/golden/test_tok_wordpiece.c.

    make_wordpiece.py SHARED        prints a row for each: file, options, how many tokens, sha256 of the vocab.txt

The trainer numbers the characters that go on in a word ("##a") as a hash map gives them, differently in each run, and ties go by these numbers.
So it is given all characters as special tokens in order, which it then finds in its vocabulary and numbers no more.
"""
import hashlib
import sys

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROWS = [
    ("data/bpe/corpus.en", 3000, 2, None, True), ("data/bpe/corpus.en", 2500, 0, None, False), ("data/bpe/corpus.en", 8000, 5, None, True),
    ("data/text/tinyshakespeare.txt", 5000, 2, 30, True), ("data/text/tinyshakespeare.txt", 8000, 5, None, False),
    ("data/text/wagahaiwa_nekodearu.txt", 8000, 2, None, True), ("data/text/zh-huangdi-neijing.txt", 7000, 0, None, False),
]


def empty(lower):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=lower)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return t


def characters(path, lower, limit):
    t, seen = empty(lower), {}
    for line in open(path, encoding="utf8", newline="\n"):
        for word, _ in t.pre_tokenizer.pre_tokenize_str(t.normalizer.normalize_str(line)):
            for i, c in enumerate(word):
                n, later = seen.get(c, (0, False))
                seen[c] = (n + 1, later or i > 0)
    kept = sorted(seen, key=lambda c: seen[c][0])[-limit if limit else 0:]
    return sorted(kept) + ["##" + c for c in sorted(kept) if seen[c][1]]


def main():
    for name, size, least, limit, lower in ROWS:
        path = sys.argv[1] + "/" + name
        t = empty(lower)
        options = {"limit_alphabet": limit} if limit else {}
        t.train([path], trainers.WordPieceTrainer(vocab_size=size, min_frequency=least, special_tokens=SPECIAL + characters(path, lower, limit), show_progress=False, **options))
        v = t.get_vocab()
        text = "".join(x + "\n" for x in sorted(v, key=v.get))
        print('    { "%s", %d, %d, %d, %s, %d, "%s" },' % (name, size, least, limit or 0, str(lower).lower(), len(v), hashlib.sha256(text.encode()).hexdigest()))


main()
