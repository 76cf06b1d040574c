"""Encoding beside other tokenizers, on this machine, in turns.

For each text: a file of text in, a file of ids out, both in memory (the page cache, /dev/shm), so that no disk is timed. Each side is a
process of its own that takes orders; one pass of ours, one of each peer, and again. Peers keep what they learnt from pass to pass (their
tokenizer lives on); ours is timed both with a fresh encoder ("file") and with one that lives on ("again"). gigatoken has no file of ids to
write: its array, narrowed to 16 bits, is written by numpy; it is timed without that too. Slow peers get the beginning of the text, and are left out where there are more threads: they encode one text on one.
Before anything is timed the ids of all must be equal. WordPiece (--wordpiece) is timed beside Hugging Face tokenizers alone. Best and median of the passes by the clock, and by processor time in user mode, which
says more where others use the machine too.

The script prints tables and writes bench/log/DATE-tok.md. tools/bench-peers makes its environment (requirements.txt).
"""
import argparse
import hashlib
import json
import os
import platform
import resource
import statistics
import sys
import tempfile
import time

from peers import ROOT, Side, commit, first_line_of, write_log

SLOW = 20_000_000  # bytes for peers of a few MB/s: less, and their caches would not meet what a large text has
TICKS = 0.03  # seconds


# --- peers: each a function from a tokenizer and threads to a function from bytes to an array of ids ---

def gigatoken(path, threads):
    import gigatoken as peer
    tokenizer = peer.Tokenizer(path)
    return lambda data: tokenizer.encode_batch([data])


def tiktoken(path, threads):
    import tiktoken as peer
    with open(path, encoding="utf-8") as f:
        made = json.load(f)
    byte_of = {}
    spare = 0
    for b in range(256):
        if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255:
            byte_of[chr(b)] = b
        else:
            byte_of[chr(256 + spare)] = b
            spare += 1
    special = {t["content"]: t["id"] for t in made["added_tokens"]}
    ranks = {bytes(byte_of[c] for c in t): i for t, i in made["model"]["vocab"].items() if t not in special}
    pattern = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
    encoding = peer.Encoding("peer", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)
    return lambda data: encoding.encode(data.decode("utf-8", "replace"), allowed_special="all")


def tokenizers(path, threads):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(path)
    return lambda data: tokenizer.encode(data.decode("utf-8", "replace"), add_special_tokens=False).ids


PEERS = {"gigatoken": gigatoken, "tiktoken": tiktoken, "tokenizers": tokenizers}


def serve(name, path, threads):
    """Takes the orders of bench_tok serve: file IN OUT."""
    import numpy
    encode = PEERS[name](path, threads)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        _, source, target = line.split()
        wall, user = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_utime
        with open(source, "rb") as f:
            data = f.read()
        ids = encode(data)
        tokens = len(ids[0]) if name == "gigatoken" else len(ids)
        if target != "-":
            array = ids[0].to_numpy() if name == "gigatoken" else numpy.array(ids)
            array.astype(numpy.uint16).tofile(target)
            del array
        del ids, data
        print(json.dumps({"seconds": time.perf_counter() - wall, "user": resource.getrusage(resource.RUSAGE_SELF).ru_utime - user, "tokens": tokens}), flush=True)


# --- taking turns ---

def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def figures(rows, size):
    """Best and median MB/s; user time is counted in ticks, and of a text that takes fewer than TICKS of them nothing is said."""
    def of(key, took):
        return size / took * 1e-6 if took > (TICKS if key == "user" else 0) else None
    return {k: (of(k, min(r[k] for r in rows)), of(k, statistics.median(r[k] for r in rows))) for k in ("seconds", "user")}


def shown(x, form):
    return "" if x is None else form % x


def over(x, y):
    return shown(None if x is None or y is None else x / y, "%.2f")


def take_turns(sides, orders, passes):
    rows = {label: [] for label, *_ in orders}
    for _ in range(passes):
        for label, who, order in orders:
            rows[label].append(sides[who].ask(order))
    return rows


def check(sides, text, target):
    seen = set()
    for side in sides.values():
        side.ask("file %s %s" % (text, target))
        seen.add(digest(target))
    if len(seen) != 1:
        raise SystemExit("peers_tok: the ids of %s differ" % text)


def beginning(path, size, folder):
    with open(path, "rb") as f:
        text = f.read(size + 4)
    end = max(text.rfind(b"\n", 0, size), text.rfind(b" ", 0, size)) if len(text) > size else len(text)
    name = os.path.join(folder, "beginning-" + os.path.basename(path))
    with open(name, "wb") as f:
        f.write(text[:end])
    return name, end


def run_text(path, tokenizer, json_path, names, options, folder, threads, out):
    target, size = os.path.join(folder, "ids"), os.path.getsize(path)
    names = [n for n in names if n == "gigatoken" or threads == 1]
    small, small_size = beginning(path, SLOW, folder)
    environment = {"RAYON_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false"}
    sides = {"reckon": Side([options.bench, "serve", tokenizer, str(threads)], {})}
    for n in names:
        sides[n] = Side([sys.executable, os.path.abspath(__file__), "--serve", n, json_path, "--threads", str(threads)], environment)
    check(sides, small, target)
    fast = [("file, fresh", "reckon", "file %s %s" % (path, target)), ("file, again", "reckon", "again %s %s" % (path, target)), ("no file, again", "reckon", "again %s -" % path)]
    if "gigatoken" in names:
        check({k: sides[k] for k in ("reckon", "gigatoken")}, path, target)
        fast += [("gigatoken, file", "gigatoken", "file %s %s" % (path, target)), ("gigatoken, no file", "gigatoken", "file %s -" % path)]
    rows = take_turns(sides, fast, options.passes)
    slow = [(n, n, "file %s %s" % (small, target)) for n in names if n != "gigatoken"]
    rows.update(take_turns(sides, slow, options.passes))
    ours = figures(rows["file, fresh"], size)
    out += ["", "## %s, %s, %.1f MB, %d thread%s" % (os.path.basename(tokenizer), os.path.basename(path), size * 1e-6, threads, "" if threads == 1 else "s"), "",
            "| | best MB/s | median | user time: best | median | our file, fresh / it: best | user time |", "|---|---|---|---|---|---|---|"]
    for label, who, _ in fast + slow:
        f = figures(rows[label], size if (label, who) not in [(s[0], s[1]) for s in slow] else small_size)
        ratio = ("", "") if who == "reckon" else (over(ours[k][0], f[k][0]) for k in ("seconds", "user"))
        out.append("| %s | %s | %s | %s | %s | %s | %s |" % (label, *(shown(x, "%.1f") for k in ("seconds", "user") for x in f[k]), *ratio))
    for side in sides.values():
        side.close()


def make_wordpiece(path, folder):
    """A tokenizer.json of BERT's vocab.txt, as Hugging Face makes it; one that is called uncased is lower-cased."""
    from tokenizers import BertWordPieceTokenizer
    name = os.path.join(folder, os.path.basename(path) + ".json")
    BertWordPieceTokenizer(path, lowercase="uncased" in os.path.basename(path)).save(name)
    return name


def make_json(path, folder):
    """A tokenizer.json of a folder with vocab.json and merges.txt, as Hugging Face makes it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    if os.path.exists(os.path.join(path, "tokenizer.json")):
        return os.path.join(path, "tokenizer.json")
    made = Tokenizer(models.BPE.from_file(os.path.join(path, "vocab.json"), os.path.join(path, "merges.txt")))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(["<|endoftext|>"])
    made.save(os.path.join(folder, "tokenizer.json"))
    return os.path.join(folder, "tokenizer.json")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokenizer", nargs="?", help="a folder with GPT-2's vocab.json and merges.txt")
    parser.add_argument("text", nargs="*")
    parser.add_argument("--wordpiece", nargs=2, action="append", default=[], metavar=("VOCAB", "TEXT"), help="BERT's vocab.txt, and a text")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--threads", default="1,%d" % len(os.sched_getaffinity(0)))
    parser.add_argument("--bench", default=os.path.join(ROOT, "build", "bench", "bench_tok"))
    parser.add_argument("--log", default=os.path.join(ROOT, "bench", "log"))
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(*options.serve, options.threads)
    if not options.text:
        parser.error("a tokenizer and texts, please")
    out = ["# Encoding beside other tokenizers, %s" % time.strftime("%Y-%m-%d %H:%M"), "",
           "%s, %d processors, load %.1f before; %s; reckon at %s. %d passes in turns (bench/peers_tok.py)."
           % (first_line_of("/proc/cpuinfo", "model name"), os.cpu_count(), os.getloadavg()[0], platform.platform(), commit(), options.passes)]
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        names = [n for n in options.peers.split(",") if n in PEERS]
        runs = [(path, options.tokenizer, make_json(options.tokenizer, folder), names) for path in options.text]
        for vocab, path in options.wordpiece:
            name = make_wordpiece(vocab, folder)
            runs.append((path, name, name, [n for n in names if n == "tokenizers"]))
        for threads in sorted({int(t) for t in options.threads.split(",")}):
            for run in runs:
                before = len(out)
                run_text(*run, options, folder, threads, out)
                print("\n".join(out[before:]), flush=True)
    write_log(options.log, "tok", out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
