"""Makes src/tok/normal_table.c: what normalizers and BERT's pre-tokenizer need to know of every code point, as Hugging Face tokenizers does it
(an older Unicode than that of patterns; its own reading of "control" and "punctuation"). Run: python normal.py > ../../src/tok/normal_table.c
(needs `pip install tokenizers`; two minutes).

Everything is asked of the library itself, code point by code point, because its tables are what must be matched. Combining classes are taken
from Python's unicodedata where the library is seen to reorder by them, and compositions where it is seen to compose."""
import sys
import tokenizers
import unicodedata
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

WORD, MARK, DROP, SPACE, PUNCT, DECOMPOSES, LOWERS, TAIL = (1 << i for i in range(8))


def bert(**on):
    return normalizers.BertNormalizer(**{**dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False), **on}).normalize_str


clean, strip, low = bert(clean_text=True), bert(strip_accents=True), bert(lowercase=True)
nfd, nfc = normalizers.NFD().normalize_str, normalizers.NFC().normalize_str
pre = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
single = Tokenizer(models.BPE({"<x>": 0}, []))
single.add_tokens([AddedToken("<x>", single_word=True, normalized=False)])


def combining(code):
    """Its combining class, if the library knows it: seen by what it puts first."""
    k, text = unicodedata.combining(chr(code)), chr(code)
    if k == 0:
        return 0
    known = nfd("\u0323" + text)[0] == nfd(text)[0] if k < 220 else nfd(text + "\u0334")[0] == "\u0334"
    return k if known else 0


flags, ccc, decomposed, lowered, pairs = [0] * 0x110000, [0] * 0x110000, {}, {}, {}
for code in (c for c in range(0x110000) if not 0xD800 <= c < 0xE000):
    text = chr(code)
    around = "a" + text + "b"
    f, cleaned, parts = 0, clean(around), [p for p, _ in pre(around)]
    f |= DROP if cleaned == "ab" else SPACE if cleaned == "a b" or parts == ["a", "b"] else 0
    f |= PUNCT if parts == ["a", text, "b"] else 0
    f |= WORD if not single.encode("<x>" + text).ids else 0
    if nfd(text) != text and not 0xAC00 <= code < 0xD7A4:
        decomposed[code] = [ord(c) for c in nfd(text)]
        f |= DECOMPOSES
    elif strip(text) == "":
        f |= MARK
    if low(text) != text:
        lowered[code] = [ord(c) for c in low(text)]
        f |= LOWERS
    flags[code], ccc[code] = f, combining(code)
    once = unicodedata.decomposition(text).split()
    if len(once) == 2 and once[0][0] != "<" and nfc("".join(chr(int(c, 16)) for c in once)) == text:
        pairs[code] = [int(c, 16) for c in once]
for first, second in pairs.values():
    flags[second] |= TAIL
for jamo in list(range(0x1161, 0x1176)) + list(range(0x11A8, 0x11C3)):
    flags[jamo] |= TAIL

kinds = sorted(set(zip(ccc, flags)))
pages, page_of = [], []
for at in range(0, 0x110000, 256):
    page = bytes(kinds.index((ccc[c], flags[c])) for c in range(at, at + 256))
    if page not in pages:
        pages.append(page)
    page_of.append(pages.index(page))


def rows(name, kind, values, per):
    print(f"\nconst {kind} {name} = {{")
    for i in range(0, len(values), per):
        print("    " + ",".join(str(v) for v in values[i:i + per]) + ",")
    print("};")


def mapping(name, table):
    pool, entries = [], []
    for code, to in sorted(table.items()):
        entries.append(f"{{{hex(code)},{len(pool)},{len(to)}}}")
        pool += [hex(c) for c in to]
    rows(f"{name}_rows[{len(entries)}]", "struct normal_row", entries, 10)
    rows(f"{name}_codes[{len(pool)}]", "uint32_t", pool, 20)
    print(f"const unsigned n_{name}_rows = {len(entries)};")


print(f"/* normal_table.c: made by tools/unicode/normal.py from Hugging Face tokenizers {tokenizers.__version__}: do not edit.")
print(f" *\n * {len(decomposed)} decompositions, {len(lowered)} lower cases, {len(pairs)} compositions, {sum(f & MARK != 0 for f in flags)} marks, {len(kinds)} kinds, {len(pages)} pages. */")
print('#include "tok/normal.h"')
rows("normal_page[4352]", "uint8_t", page_of, 32)
rows(f"normal_kind_of[{len(pages)}][256]", "uint8_t", ["{ " + ",".join(str(v) for v in page) + " }" for page in pages], 1)
rows(f"normal_kinds[{len(kinds)}]", "struct normal_kind", [f"{{{a},{b}}}" for a, b in kinds], 12)
mapping("normal_decomposition", decomposed)
mapping("normal_lower", lowered)
rows(f"normal_pairs[{len(pairs)}]", "struct normal_pair", [f"{{{hex(a)},{hex(b)},{hex(c)}}}" for a, b, c in sorted((a, b, c) for c, (a, b) in pairs.items())], 8)
print(f"const unsigned n_normal_pairs = {len(pairs)};")
sys.stderr.write(f"{len(kinds)} kinds, {len(pages)} pages\n")
