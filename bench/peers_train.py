"""Training of tokenizers beside Hugging Face's and rustbpe's, on this machine, in turns.

    python bench/peers_train.py [--passes 5] [--peers 1] [--wordpiece VOCAB FILE]... [VOCAB FILE]...        needs: pip install tokenizers rustbpe

Ours trains on the whole file, by bench_tok_train: counting and merging, from the page cache. Peers, of which a pass takes minutes, get its first
--bytes, and ours those too, just before them. WordPiece (--wordpiece; lower-cased, all characters, both as BERT has it) is trained beside Hugging Face
alone, each as a process from a file to its vocabulary. Prints a table and writes bench/log/DATE-tok-train.md.
"""
import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

from peers import ROOT, commit, first_line_of, write_log

BENCH = os.path.join(ROOT, "build", "bench", "bench_tok_train")
GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

HF = """
import sys
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
t = Tokenizer(models.BPE())
t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
t.train([sys.argv[1]], trainers.BpeTrainer(vocab_size=int(sys.argv[2]), special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
"""
RUSTBPE = """
import sys, rustbpe
text = open(sys.argv[1], encoding="utf-8", errors="replace").read().split("<|endoftext|>")
rustbpe.Tokenizer().train_from_iterator(iter(text), int(sys.argv[2]) - 1, pattern=%r)
""" % GPT2
WORDPIECE = """
import sys
from tokenizers import BertWordPieceTokenizer
t = BertWordPieceTokenizer(lowercase=True)
t.train([sys.argv[1]], vocab_size=int(sys.argv[2]), min_frequency=1, limit_alphabet=1 << 20, show_progress=False)
t.save(sys.argv[3])
"""
RECKON = os.path.join(ROOT, "build", "reckon")


def timed(code, path, vocab, *more):
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code, path, vocab, *more], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime - before.ru_utime


def timed_wordpiece(path, vocab, folder):
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([RECKON, "tok", "train", path, "--model", "wordpiece", "--lowercase", "-n", vocab, "-o", folder, "-q"], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime - before.ru_utime


def vocabulary(path):
    with open(path, encoding="utf-8") as f:
        return set(json.load(f)["model"]["vocab"])


def run_wordpiece(path, vocab, options, out):
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(path))) as folder:
        part, theirs = os.path.join(folder, "text.txt"), os.path.join(folder, "theirs.json")
        with open(path, "rb") as f, open(part, "wb") as to:
            to.write(f.read(options.bytes))
        name = "%s, WordPiece" % os.path.basename(path)
        sides = [("reckon", sorted(timed_wordpiece(part, vocab, folder) for _ in range(options.passes)))]
        if options.peers > 0:
            sides.append(("tokenizers", sorted(timed(WORDPIECE, part, vocab, theirs) for _ in range(options.peers))))
        for who, runs in sides:
            say(out, "| %s | %s | %d | %s | %.2f | %.2f | | | %.2f | |" % (who, name, os.path.getsize(part), vocab, runs[0][0], runs[len(runs) // 2][0], runs[0][1]))
        if options.peers > 0:
            a, b = vocabulary(os.path.join(folder, "tokenizer.json")), vocabulary(theirs)
            say(out, "\nOf %d and %d tokens %d are in both vocabularies.\n" % (len(a), len(b), len(a & b)))


def ours(path, vocab, passes):
    runs = []
    for _ in range(passes):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        said = subprocess.run([BENCH, "once", vocab, path], check=True, capture_output=True, text=True).stdout
        user = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        runs.append([float(x) for x in re.findall(r"count ([\d.]+) s, merge ([\d.]+) s, peak ([\d.]+)", said)[0]] + [user])
    return sorted(runs, key=lambda r: r[0] + r[1])


def say(out, text):
    print(text, flush=True)
    out.append(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--peers", type=int, default=1, help="passes of each peer; 0: none")
    parser.add_argument("--bytes", type=int, default=200_000_000)
    parser.add_argument("--log", default=os.path.join(ROOT, "bench", "log"))
    parser.add_argument("--wordpiece", nargs=2, action="append", default=[], metavar=("VOCAB", "FILE"))
    parser.add_argument("what", nargs="*", metavar="VOCAB FILE")
    options = parser.parse_args()
    out = []
    say(out, "# Training tokenizers, %s\n" % time.strftime("%Y-%m-%d %H:%M"))
    say(out, "%s, %d processors, load %.1f before; reckon at %s. bench/peers_train.py: %d passes of ours, from the page cache.\n"
        % (first_line_of("/proc/cpuinfo", "model name"), os.cpu_count(), os.getloadavg()[0], commit(), options.passes))
    say(out, "| who | text | bytes | tokens | best s | median s | of it counting | merging | user CPU s | peak MiB |\n|---|---|---|---|---|---|---|---|---|---|")
    for vocab, path in zip(options.what[::2], options.what[1::2]):
        with tempfile.NamedTemporaryFile(dir=os.path.dirname(os.path.abspath(path)), suffix=".txt") as part:
            texts = [path]
            if options.peers > 0:
                with open(path, "rb") as f:
                    part.write(f.read(options.bytes))
                part.flush()
                texts.append(part.name)
            for text in texts:
                runs = ours(text, vocab, options.passes)
                best, middle = runs[0], runs[len(runs) // 2]
                say(out, "| reckon | %s | %d | %s | **%.2f** | %.2f | %.2f | %.2f | %.2f | %.0f |"
                    % (os.path.basename(path), os.path.getsize(text), vocab, best[0] + best[1], middle[0] + middle[1], best[0], best[1], best[3], best[2]))
            for name, code in (("tokenizers", HF), ("rustbpe", RUSTBPE)):
                runs = sorted(timed(code, part.name, vocab) for _ in range(options.peers))
                if runs:
                    say(out, "| %s | %s | %d | %s | %.2f | %.2f | | | %.2f | |" % (name, os.path.basename(path), options.bytes, vocab, runs[0][0], runs[len(runs) // 2][0], runs[0][1]))
    for vocab, path in options.wordpiece:
        run_wordpiece(path, vocab, options, out)
    write_log(options.log, "tok-train", out)


main()
