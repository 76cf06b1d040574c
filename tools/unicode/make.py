"""Makes src/tok/unicode_table.c (`python make.py class`: letter, number, white space, other) and src/tok/unicode_case_table.c (`python
make.py case`: upper or title case, lower case, mark, neither), as the module `regex` knows them, in two stages of pages of 256 code points.

The classes must be those of the tokenizer libraries whose splits are reproduced, hence `regex` (pip install regex) and not a copy of the
Unicode files."""
import regex
import sys

kinds = {
    "class": ("unicode_table.c", "unicode_", ["letters (L)", "numbers (N)", "white space"], [r"\p{L}", r"\p{N}", r"\s"]),
    "case": ("unicode_case_table.c", "unicode_case_", ["upper or title case (Lu, Lt)", "lower case (Ll)", "marks (M)"], [r"[\p{Lu}\p{Lt}]", r"\p{Ll}", r"\p{M}"]),
}
name, prefix, words, patterns = kinds[sys.argv[1]]
tests = [regex.compile(pattern) for pattern in patterns]
letter = regex.compile(r"\p{L}")
table = bytearray(0x110000)
for code in range(0x110000):
    for kind, pattern in enumerate(tests, 1):
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
    return next(version for version, code in known if letter.match(chr(code)))


counts = ", ".join(f"{table.count(k)} {word}" for k, word in enumerate(words, 1))
print(f"/* {name}: made by tools/unicode/make.py from regex {regex.__version__} (Unicode {newest()}): do not edit.")
print(f" *\n * {counts}; {len(pages)} pages of 256 code points, 2 bits each. */")
print('#include "tok/unicode.h"\n')
rows(prefix + "page[4352]", "uint8_t", first, 32)
print()
print(f"const uint8_t {prefix}bits[{len(pages)}][64] = {{")
for page in pages:
    print("    { " + ",".join(str(v) for v in page) + " },")
print("};")
