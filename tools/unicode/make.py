"""Makes src/tok/unicode_table.c: the class of every code point (letter, number, white space, other), as the module `regex` knows
them, in two stages of 256-code-point pages. Run: python make.py > ../../src/tok/unicode_table.c (needs `pip install regex`).

The classes must be those of the tokenizer libraries whose splits are reproduced, hence `regex` and not a copy of the Unicode files."""
import regex
import sys

LETTER, NUMBER, SPACE = 1, 2, 3
tests = [(LETTER, regex.compile(r"\p{L}")), (NUMBER, regex.compile(r"\p{N}")), (SPACE, regex.compile(r"\s"))]
table = bytearray(0x110000)
for code in range(0x110000):
    for kind, pattern in tests:
        if pattern.match(chr(code)):
            table[code] = kind

pages, first = [], []
for at in range(0, 0x110000, 256):
    page = bytes(sum(table[at + i + k] << 2 * k for k in range(4)) for i in range(0, 256, 4))
    if page not in pages:
        pages.append(page)
    first.append(pages.index(page))


def rows(name, kind, values, per):
    print(f"const {kind} {name} = {{")
    for i in range(0, len(values), per):
        print("    " + ",".join(str(v) for v in values[i:i + per]) + ",")
    print("};")


def newest():
    """The Unicode version, by the first code points of recent blocks."""
    known = [("18.0", 0x3D000), ("17.0", 0x16EA0), ("16.0", 0x105C0), ("15.0", 0x11F04), ("14.0", 0x10570)]
    return next(version for version, code in known if table[code] == LETTER)


counts = [table.count(k) for k in (LETTER, NUMBER, SPACE)]
print(f"/* unicode_table.c: made by tools/unicode/make.py from regex {regex.__version__} (Unicode {newest()}): do not edit.")
print(f" *\n * {counts[0]} letters (L), {counts[1]} numbers (N), {counts[2]} white space; {len(pages)} pages of 256 code points, 2 bits each. */")
print('#include "tok/unicode.h"\n')
rows("unicode_page[4352]", "uint8_t", first, 32)
print()
print(f"const uint8_t unicode_bits[{len(pages)}][64] = {{")
for page in pages:
    print("    { " + ",".join(str(v) for v in page) + " },")
print("};")
sys.stderr.write(f"{counts} {len(pages)} pages\n")
