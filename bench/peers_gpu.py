"""Training steps and decoding beside PyTorch, llm.c and transformers, on one NVIDIA device, in one run.

The same models, batches, sequences and optimizer on every side, random weights, random tokens, no dropout, bf16 products from f32 (or
master) weights, gradients clipped to norm 1. A side is a process of its own; the device is its alone while it runs. Speed is the
median of the second half of its steps; memory is what the driver says is used, above what was used before.

The list of jobs is JOBS, most important first: a device may be lent for minutes only. So every job has a budget in seconds after
which it is ended, keeping the steps that it told until then; --total leaves out what would not fit any more; a job that fails is a
line of the table. Each result is a line of gpu.jsonl in the folder of --log as soon as it is there; the table, DATE-gpu.md, is
written anew after each.

    tools/bench-gpu                          all of it
    tools/bench-gpu --list                   the jobs and their budgets
    tools/bench-gpu --only gpt2/,decode/     jobs whose names begin so
    tools/bench-gpu --mini --device cpu      everything in miniature, on this processor
    tools/bench-gpu --table A.jsonl B.jsonl  the table of runs that were; of a job that ran twice, the later

llm.c is built beforehand by `tools/bench-gpu llm.c`. Not here: what imports torch (peers_gpu_torch.py).
"""
import argparse
import array
import contextlib
import functools
import glob
import importlib.util
import io
import itertools
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

from peers import HERE, MODELS, ROOT, commit, write_log

WORKER = os.path.join(HERE, "peers_gpu_torch.py")
MODELS.update({
    "gpt2": dict(batch=64, seq=1024, vocab=50257, hidden=768, layer=12, head=12, ff=3072),
    "gpt2-50304": dict(batch=64, seq=1024, vocab=50304, hidden=768, layer=12, head=12, ff=3072),
    "gpt2-medium": dict(batch=32, seq=1024, vocab=50257, hidden=1024, layer=24, head=16, ff=4096),
    "gpt2-large": dict(batch=32, seq=1024, vocab=50257, hidden=1280, layer=36, head=20, ff=5120),
    "gpt2-xl": dict(batch=16, seq=1024, vocab=50257, hidden=1600, layer=48, head=25, ff=6400),
})
MINI = {"batch": 2, "seq": 32, "vocab": 512, "hidden": 64, "layer": 1, "head": 2, "ff": 256}
PLACES = itertools.count(0, 7919)
PROMISED = 989e12  # dense bf16 of an H100's data sheet: what utilisation is told against on every device


def make_mini():
    for name, c in MODELS.items():
        c.update(MINI, vocab=640 if name.endswith("50304") else 512)


# --- what is the same for all: sizes, tokens, weights ---

def parameters(name):
    c = MODELS[name]
    d, f, v = c["hidden"], c["ff"], c["vocab"]
    if name.startswith("cs336"):
        return 2 * v * d + c["layer"] * (4 * d * d + 3 * d * f + 2 * d) + d
    return v * d + c["seq"] * d + c["layer"] * (4 * d * d + 2 * d * f + 9 * d + f) + 2 * d


def flops_of_token(name):
    """Six times the parameters (but a table that is only looked up) and causal attention: what llm.c counts, here for everybody."""
    c = MODELS[name]
    looked_up = c["vocab"] * c["hidden"] if name.startswith("cs336") else 0
    return 6 * (parameters(name) - looked_up) + 6 * c["layer"] * c["hidden"] * c["seq"]


def reckon_model(name, mini):
    c, preset = MODELS[name], name.removesuffix("-50304")
    if name.startswith("cs336"):
        sizes = "vocab_size=%(vocab)d,d_model=%(hidden)d,num_layers=%(layer)d,num_heads=%(head)d,d_ff=%(ff)d,context_length=%(seq)d"
    else:
        sizes = "vocab_size=%(vocab)d,n_embd=%(hidden)d,n_layer=%(layer)d,n_head=%(head)d,n_positions=%(seq)d"
    if mini:
        return preset + ":" + sizes % c
    return preset if preset == name else "%s:vocab_size=%d" % (preset, c["vocab"])


def make_tokens(o, name):
    """Random tokens of the model's vocabulary, plain and with llm.c's header."""
    import numpy
    vocab, n = MODELS[name]["vocab"], 1 << 15 if o.mini else 1 << 22
    path = os.path.join(o.work, "tokens-%d" % vocab)
    if not os.path.exists(path + ".llmc"):
        ids = numpy.random.default_rng(vocab).integers(vocab, size=n, dtype=numpy.uint16)
        ids.tofile(path + ".bin")
        with open(path + ".llmc", "wb") as f:
            array.array("i", [20240520, 1, n] + [0] * 253).tofile(f)
            ids.tofile(f)
    return path


def fill(n, number, dtype):
    """n times a number, as it lies in a file."""
    import numpy
    x = numpy.full(1, number, numpy.float32)
    return numpy.full(n, rounded(x, dtype)[0])


@functools.lru_cache
def normals():
    import numpy
    return numpy.random.default_rng(1).standard_normal((1 << 22) + 1, dtype=numpy.float32)


def draw(n, deviation, dtype):
    """Normal numbers: of the same few millions, from another place each time, since drawing them all would take the device's time."""
    import numpy
    start = next(PLACES) % (1 << 21)
    return numpy.resize(rounded(normals()[start:][:n] * numpy.float32(deviation), dtype), n)


def rounded(x, dtype):
    import numpy
    if dtype == "bf16":
        bits = x.view(numpy.uint32)
        return ((bits + 0x7fff + (bits >> 16 & 1)) >> 16).astype(numpy.uint16)
    return x.astype({"f32": numpy.float32, "f16": numpy.float16}[dtype])


def make_llmc_weights(o, name):
    """llm.c's file of weights: it draws its own one by one on one processor, a minute for a large model."""
    c, path = MODELS[name], os.path.join(o.work, name + ".bin")
    d, f, n, padded = c["hidden"], c["ff"], c["layer"], (c["vocab"] + 127) // 128 * 128
    deep = 0.02 / (2 * n) ** 0.5
    weights = [(padded * d, 0.02), (c["seq"] * d, 0.02), (n * d, 1), (n * d, 0), (n * 3 * d * d, 0.02), (n * 3 * d, 0), (n * d * d, deep), (n * d, 0),
               (n * d, 1), (n * d, 0), (n * d * f, 0.02), (n * f, 0), (n * d * f, deep), (n * d, 0), (d, 1), (d, 0)]
    if os.path.exists(path):
        return path
    with open(path + "-", "wb") as out:
        array.array("i", [20240326, 5, c["seq"], c["vocab"], n, c["head"], d, padded] + [0] * 248).tofile(out)
        for size, kind in weights:
            (fill if kind in (0, 1) else draw)(size, kind, "bf16").tofile(out)
    os.rename(path + "-", path)
    return path


def make_gpt2_folder(o, dtype):
    """GPT-2 with random weights as transformers keeps it."""
    import numpy
    c, path = MODELS["gpt2"], os.path.join(o.work, "gpt2-" + dtype)
    if os.path.exists(os.path.join(path, "model.safetensors")):
        return path
    os.makedirs(path, exist_ok=True)
    d, f = c["hidden"], c["ff"]
    shapes = {"wte.weight": [c["vocab"], d], "wpe.weight": [c["seq"], d], "ln_f.weight": [d], "ln_f.bias": [d]}
    for i in range(c["layer"]):
        for part, shape in (("ln_1", [d]), ("attn.c_attn", [d, 3 * d]), ("attn.c_proj", [d, d]), ("ln_2", [d]), ("mlp.c_fc", [d, f]), ("mlp.c_proj", [f, d])):
            shapes["h.%d.%s.weight" % (i, part)], shapes["h.%d.%s.bias" % (i, part)] = shape, shape[-1:]
    width, at, header = {"f32": 4, "f16": 2, "bf16": 2}[dtype], 0, {"__metadata__": {"format": "pt"}}
    for name, shape in shapes.items():
        size = int(numpy.prod(shape)) * width
        header["transformer." + name] = {"dtype": dtype.upper(), "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(path, "model.safetensors"), "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes.items():
            n = int(numpy.prod(shape))
            (draw(n, 0.02, dtype) if len(shape) > 1 else fill(n, "ln_" in name and name.endswith("weight"), dtype)).tofile(out)
    with open(os.path.join(path, "config.json"), "w") as out:
        json.dump({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": c["vocab"], "n_positions": c["seq"], "n_embd": d, "n_layer": c["layer"],
                   "n_head": c["head"], "n_inner": f, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "eos_token_id": None, "bos_token_id": None,
                   "dtype": {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}[dtype]}, out)
    return path


# --- a process, its lines, and the memory that it takes ---

def libraries():
    """CUDA's libraries as PyTorch's wheels bring them (one cuBLAS and cuDNN for all), then the toolkit's."""
    spec = importlib.util.find_spec("nvidia")
    folders = [f for place in (spec.submodule_search_locations if spec else []) for f in sorted(glob.glob(os.path.join(place, "*", "lib")))]
    return ":".join(folders + ["/usr/local/cuda/lib64"] + [x for x in [os.environ.get("LD_LIBRARY_PATH")] if x])


class Memory(threading.Thread):
    """The most that the device's memory held while this ran."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.over, self.before = None, threading.Event(), None
        try:
            import pynvml
            pynvml.nvmlInit()
            card = pynvml.nvmlDeviceGetHandleByIndex(0)
            self.read = lambda: pynvml.nvmlDeviceGetMemoryInfo(card).used
            self.most = self.before = self.read()
        except Exception:
            self.read = None
        self.start()

    def run(self):
        while self.read and not self.over.wait(0.1):
            self.most = max(self.most, self.read())

    def taken(self):
        self.over.set()
        return None if self.most is None else self.most - self.before


def run_process(o, command, budget, environment):
    """Its lines, how it ended ("" is well), and the memory of the device it took. Ended when its time is over."""
    lines, errors, memory = [], [], Memory()
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", env=environment, process_group=0, cwd=o.work)
    readers = [threading.Thread(target=lambda s=s, to=to: to.extend(iter(s.readline, "")), daemon=True) for s, to in ((p.stdout, lines), (p.stderr, errors))]
    for r in readers:
        r.start()
    why = ""
    try:
        p.wait(budget)
    except subprocess.TimeoutExpired:
        why = "ended after its %d seconds" % budget
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()
    for r in readers:
        r.join(2)
    taken = memory.taken()
    if p.returncode and not why:
        last = [x.strip() for x in (errors if "".join(errors).strip() else lines) if x.strip()][-3:]
        why = "ended with %d: %s" % (p.returncode, " / ".join(last)[-400:].replace("|", ":") or "no word")
    with open(os.path.join(o.log, "gpu.raw"), "a") as f:
        f.write("$ %s\n%s%s[%s]\n\n" % (" ".join(command), "".join(lines)[-20000:], "".join(errors)[-8000:], why or "well"))
    return lines, why, taken


def events(lines):
    """The objects among lines."""
    for text in lines:
        if text.startswith("{"):
            try:
                yield json.loads(text)
            except ValueError:
                pass


def steady(seconds):
    """Of the second half of the steps: median, mean."""
    late = seconds[len(seconds) // 2:]
    return {"steps": len(seconds), "seconds": statistics.median(late), "mean": sum(late) / len(late)} if late else {}


# --- sides: each gives a command and reads what it says ---

def train_reckon(o, job, batch):
    policy = ["--policy", job["policy"]] if o.device != "cpu" else []
    c = MODELS[job["model"]]
    return [o.reckon, "train", make_tokens(o, job["model"]) + ".bin", "--model", reckon_model(job["model"], o.mini), "--device", o.device, *policy,
            "--batch", str(batch), "--seq", str(c["seq"]), "--steps", str(job["steps"]), "--no-dropout", "--lr", "3e-4", "--warmup", "5", "--validation", "0",
            "--eval-every", "0", "--json", "--quiet", *(["--profile"] if job.get("profile") else [])]


def read_reckon(lines):
    out, seconds = {}, []
    for e in events(lines):
        if e.get("event") == "begin":
            out["about"] = e.get("device")
        if e.get("event") == "step":
            seconds.append(e["seconds"])
            out["loss"] = e["loss"]
        if e.get("event") == "work":
            out["profile"] = e.get("profile")
        if e.get("event") == "receipt":
            out["receipt"] = {r["entry"]: [r["predicted"], r["measured"]] for r in e["rows"]}
    return out | steady(seconds)


def train_llmc(o, job, batch):
    c, tokens = MODELS[job["model"]], make_tokens(o, job["model"]) + ".llmc"
    told_at_once = ["stdbuf", "-oL"] if shutil.which("stdbuf") else []
    return [*told_at_once, os.path.join(o.peers, "bin", "train_gpt2cu-" + job["attention"]), "-i", tokens, "-j", tokens, "-e", make_llmc_weights(o, job["model"]), "-b", str(batch),
            "-t", str(c["seq"]), "-d", str(batch * c["seq"]), "-x", str(job["steps"]), "-l", "0.0003", "-c", "0.1", "-v", "100000", "-m", "1", "-s", "0", "-h", "0", *job["flags"]]


LLMC_STEP = re.compile(r"step +\d+/\d+ \| loss ([-\w.]+) .*?\| ([\d.]+) ms \|.*?([\d.]+) tok/s")


def read_llmc(lines):
    found = [m for m in map(LLMC_STEP.search, lines) if m]
    return {"loss": float(found[-1][1]), "about": "llm.c", **steady([float(m[2]) / 1e3 for m in found])} if found else {}


def train_torch(o, job, batch):
    return [sys.executable, WORKER, "train", job["model"], job["mode"], str(batch), str(job["steps"]), o.device] + (["--mini"] if o.mini else [])


def read_torch(lines):
    out, seconds = {}, []
    for e in events(lines):
        seconds += e.pop("step", [])
        out |= e
    return out | steady(seconds)


def decode_reckon(o, job, batch):
    return [o.reckon, "generate", make_gpt2_folder(o, job["dtype"]), "--ids", ",".join(map(str, prompt(o))), "--greedy", "--plain", "--end", "", "-m", str(job["steps"]),
            "--device", o.device, "--json", "--quiet"]


def read_decode(lines):
    text = "".join(lines)
    e = json.loads(text) if text.strip() else {}
    if not e.get("tokens_per_second"):
        return {}
    return {"about": e["device"], "steps": e["steps"], "seconds": 1 / e["tokens_per_second"], "first": e["first_token_seconds"],
            "bytes_per_second": e["bytes_read"] / e["seconds"] if e["seconds"] else None}


def decode_transformers(o, job, batch):
    return [sys.executable, WORKER, "decode", make_gpt2_folder(o, job["dtype"]), job["mode"], job["dtype"], str(job["steps"]), o.device, ",".join(map(str, prompt(o)))]


def prompt(o):
    return [(i * 7919) % MODELS["gpt2"]["vocab"] for i in range(4 if o.mini else 32)]


def measure_torch(o, job, batch):
    return [sys.executable, WORKER, "ceilings", o.device] + (["--mini"] if o.mini else [])


def measure_reckon(o, job, batch):
    return [o.reckon, "bench", "--device", o.device, "--json"]


def read_object(lines):
    text = "".join(lines)
    return json.loads(text[text.index("{"):]) if "{" in text else {}


SIDES = {  # command, what its lines say, whether it opens CUDA's libraries by their names
    "reckon": (train_reckon, read_reckon, True), "llm.c": (train_llmc, read_llmc, True), "torch": (train_torch, read_torch, False),
    "decode": (decode_reckon, read_decode, True), "transformers": (decode_transformers, read_torch, False),
    "ceilings": (measure_torch, read_object, False), "bench": (measure_reckon, read_object, True),
}


def training(name, side, label, budget, steps=40, **more):
    return dict(name="%s/%s" % (name, label), model=name, side=side, label=label, budget=budget, steps=steps, **more)


def reckon(name, budget=60, policy="amp-bf16", **more):
    label = "reckon" + ("" if policy == "amp-bf16" else "-" + policy) + ("-profile" if more.get("profile") else "")
    return training(name, "reckon", label, budget, policy=policy, **more)


def llmc(name, budget=45, label="llm.c", attention="cudnn", flags=(), **more):
    return training(name, "llm.c", label, budget, attention=attention, flags=list(flags), **more)


def torch_side(name, mode, budget=120, **more):
    return training(name, "torch", "torch-" + mode, budget, mode=mode, **more)


def decoding(side, label, dtype, budget, steps, **more):
    return dict(name="decode/" + label, side=side, label=label, dtype=dtype, budget=budget, steps=steps, **more)


JOBS = [
    dict(name="machine/torch", side="ceilings", label="torch", budget=45),
    reckon("gpt2"), llmc("gpt2"), torch_side("gpt2", "compile", 150, steps=30),
    decoding("decode", "reckon-bf16", "bf16", 30, 960), decoding("decode", "reckon-f32", "f32", 30, 960),
    decoding("transformers", "transformers-bf16", "bf16", 60, 200, mode="dynamic"), decoding("transformers", "transformers-f32", "f32", 60, 200, mode="dynamic"),
    reckon("cs336-17m", 45, steps=400), torch_side("cs336-17m", "graphs", 90, steps=200),
    llmc("gpt2", label="llm.c-r0", flags=("-r", "0")),
    reckon("gpt2-xl", 75, steps=14), llmc("gpt2-xl", 60, steps=14),
    dict(name="machine/reckon", side="bench", label="reckon", budget=45),
    reckon("gpt2", 60, profile=True, steps=10),
    reckon("gpt2-medium", 60, steps=24), llmc("gpt2-medium", steps=24), reckon("gpt2-large", 60, steps=16), llmc("gpt2-large", steps=16),
    reckon("gpt2-50304", 60), reckon("gpt2", 60, policy="mixed"),
    llmc("gpt2", label="llm.c-r0-ge1", flags=("-r", "0", "-ge", "1")),
    torch_side("cs336-17m", "compile", 90, steps=200), decoding("decode", "reckon-f16", "f16", 30, 960),
    torch_side("gpt2-50304", "compile", 150, steps=30), torch_side("gpt2", "eager", 60, steps=24),
    torch_side("gpt2-xl", "blocks", 120, steps=14), torch_side("gpt2-medium", "blocks", 90, steps=24), torch_side("gpt2-large", "blocks", 100, steps=16),
    llmc("gpt2", label="llm.c-own", attention="own"),
    decoding("transformers", "transformers-static-bf16", "bf16", 90, 200, mode="static"),
    torch_side("gpt2", "bf16", 150, steps=30), torch_side("gpt2", "max", 300, steps=30),
]
QUICK = ("machine/torch", "gpt2/reckon", "gpt2/llm.c", "gpt2/torch-compile", "decode/reckon-bf16", "decode/reckon-f32", "decode/transformers-bf16", "cs336-17m/reckon", "gpt2-xl/reckon")


def run_job(o, job):
    """The record of a job; a batch that does not fit is halved, and what came out says which it was."""
    command, read, opens = SIDES[job["side"]]
    began, batch = time.time(), MODELS[job["model"]]["batch"] if "model" in job else 1
    record = {"job": job["name"], "label": job["label"], "card": o.card, **{k: job[k] for k in ("model", "dtype") if k in job}}
    environment = dict(os.environ, TOKENIZERS_PARALLELISM="false", **({"LD_LIBRARY_PATH": libraries()} if opens else {}))
    while True:
        try:
            line = command(o, job, batch)
            lines, why, taken = run_process(o, line, max(5, job["budget"] - (time.time() - began)), environment)
            said = read(lines)
        except Exception as error:  # the next job runs whatever happens to this one
            said, why, taken = {}, "%s: %s" % (type(error).__name__, error), None
        late = time.time() - began > job["budget"] / 2
        if "model" not in job or said.get("seconds") or batch < 2 or late or not re.search(r"memory|oom|\bfree\b", why, re.I):
            break
        batch //= 2
    record |= {"took": round(time.time() - began, 1), "memory": taken, **said}
    if why:
        record["error"] = why
    if "model" in job:
        record |= {"batch": batch, "seq": MODELS[job["model"]]["seq"]}
    if said.get("seconds"):
        record["tokens_per_second"] = batch * record["seq"] / said["seconds"] if "model" in job else 1 / said["seconds"]
    return record


# --- the table ---

def gib(x):
    return "%.1f" % (x / (1 << 30)) if x else ""


def table_of_model(name, records):
    c, mine = MODELS[name], [r for r in records if r.get("model") == name and not r["label"].endswith("-profile")]
    best = max((r["tokens_per_second"] for r in mine if r["label"].startswith("reckon") and r.get("tokens_per_second")), default=None)
    out = ["", "## %s, %d tokens, training" % (name, c["seq"]), "", "| side | B | ms/step | tokens/s | TF/s | of 989 | memory, GiB | loss | ours / its |", "|---|---|---|---|---|---|---|---|---|"]
    for r in mine:
        rate = r.get("tokens_per_second")
        if not rate:
            out.append("| %s | %s | %s | | | | | | |" % (r["label"], r.get("batch", ""), "left out: " + r.get("error", "no steps")))
            continue
        work = rate * flops_of_token(name)
        ours = r["label"].startswith("reckon")
        spread = "" if abs(r["mean"] / r["seconds"] - 1) < 0.03 else " (mean %.2f)" % (r["mean"] * 1e3)
        out.append("| %s | %d | %.2f%s | %s | %.0f | %.1f %% | %s | %.3f | %s |" % (r["label"], r["batch"], r["seconds"] * 1e3, spread, format(round(rate), ","), work * 1e-12,
                   100 * work / PROMISED, gib(r.get("memory")), r.get("loss", float("nan")), "" if ours or not best else "**%.2f**" % (best / rate)))
    return out if mine else []


def table_of_decoding(records):
    mine, top = [r for r in records if r["job"].startswith("decode/")], ceilings(records).get("read_bytes")
    out = ["", "## GPT-2 124M, one sequence, decoding", "", "| side | tokens/s | ms/token | first token, ms | bytes/s | of what is read | ours / its, the same dtype |", "|---|---|---|---|---|---|---|"]
    for r in mine:
        if not r.get("tokens_per_second"):
            out.append("| %s | left out: %s | | | | | |" % (r["label"], r.get("error", "no tokens")))
            continue
        ours = next((x for x in mine if x["label"] == "reckon-" + r["dtype"]), {}).get("tokens_per_second")
        moved = r.get("bytes_per_second")
        out.append("| %s | %.0f | %.3f | %s | %s | %s | %s |" % (r["label"], r["tokens_per_second"], r["seconds"] * 1e3, "%.2f" % (r["first"] * 1e3) if "first" in r else "",
                   "%.2f TB/s" % (moved * 1e-12) if moved else "", "%.0f %%" % (100 * moved / top) if moved and top else "",
                   "**%.2f**" % (ours / r["tokens_per_second"]) if ours and not r["label"].startswith("reckon") else ""))
    return out if mine else []


def table_of_operations(records):
    r = next((x for x in records if x["label"].endswith("-profile") and x.get("profile")), None)
    if r is None:
        return []
    p, out = r["profile"], ["", "## Where a step of %s spends its time" % r["model"], "", "Watched one by one, so longer in all than above.", "",
                           "| op | kernel | calls | ms/step | share | TF/s | TB/s |", "|---|---|---|---|---|---|---|"]
    for x in sorted(p["ops"], key=lambda x: -x["seconds"])[:20]:
        s = x["seconds"] or 1e-12
        out.append("| %s | %s | %d | %.3f | %.1f %% | %.0f | %.2f |" % (x["op"], x["kernel"], x["calls"], 1e3 * x["seconds"] / max(1, r.get("steps", 1)), 100 * x["seconds"] / p["seconds"],
                                                                 x["product_flops"] / s * 1e-12, x["bytes"] / s * 1e-12))
    return out


def ceilings(records):
    return next((r for r in records if r["job"] == "machine/torch" and r.get("read_bytes")), {})


def report(o, records):
    top, ours = ceilings(records), next((r for r in records if r["job"] == "machine/reckon" and r.get("read_bytes")), {})
    out = ["# Training and decoding on a GPU, %s" % time.strftime("%Y-%m-%d %H:%M"), "",
           "%s; torch %s, cuDNN %s, transformers %s; reckon at %s. In one run, one after the other (bench/peers_gpu.py); llm.c with the same cuBLAS and cuDNN. Median of the second half of the"
           " steps; TF/s by llm.c's count for everybody (6 N + 6 L C T a token), beside 989 TF/s of an H100's data sheet; memory as the driver tells it."
           % (o.card, top.get("torch", "?"), top.get("cudnn", "?"), top.get("transformers", "?"), o.commit)]
    for who, r in (("PyTorch", top), ("reckon bench", ours)):
        if r:
            out += ["", "Ceilings by %s: %s." % (who, ", ".join("%s %.4g" % (k.replace("_", " "), r[k]) for k in ("bf16_flops", "f16_flops", "gemm_flops", "read_bytes", "copy_bytes") if r.get(k)))]
    for name in MODELS:
        out += table_of_model(name, records)
    return out + table_of_decoding(records) + table_of_operations(records)


# --- all of it ---

def card():
    try:
        return subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version,memory.total,clocks.max.sm,power.limit", "--format=csv,noheader"], capture_output=True, text=True, timeout=20).stdout.strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "no NVIDIA device"


def chosen(o):
    jobs = [j for j in JOBS if not o.quick or j["name"] in QUICK]
    if o.only:
        jobs = [j for j in jobs if any(j["name"] == w or (w.endswith("/") and j["name"].startswith(w)) for w in o.only.split(","))]
    for j in jobs:
        if "steps" in j and (o.quick or o.mini):
            j["steps"] = 24 if o.mini and j["name"].startswith("decode/") else max(6, j["steps"] // (5 if o.mini else 2))
    return jobs


def told(files):
    """The last record of each job, in the order of JOBS."""
    last = {}
    for path in files:
        with open(path) as f:
            last |= {r["job"]: r for r in events(f)}
    return [last[j["name"]] for j in JOBS if j["name"] in last]


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="jobs by name, or all whose names begin with WORD/, by commas")
    parser.add_argument("--quick", action="store_true", help="fewer jobs, half the steps")
    parser.add_argument("--mini", action="store_true", help="tiny models: tries the script, measures nothing")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--total", type=float, default=3600, help="seconds for everything; jobs that would not fit are left out")
    parser.add_argument("--device", default="cuda", help="cuda, or with --mini cpu")
    parser.add_argument("--reckon", default=os.path.join(ROOT, "build", "reckon"))
    parser.add_argument("--peers", default=os.path.join(ROOT, ".peers"), help="where tools/bench-gpu llm.c has built it")
    parser.add_argument("--work", default="/tmp/reckon-bench-gpu", help="for tokens and weights, 5 GB")
    parser.add_argument("--commit", default=commit(), help="of reckon, where the folder does not say it")
    parser.add_argument("--log", default=os.path.join(HERE, "log"))
    parser.add_argument("--table", nargs="+", default=[], metavar="JSONL", help="run nothing: write the table of what these tell")
    o = parser.parse_args()
    o.work, o.log, o.reckon, o.peers = (os.path.abspath(x) for x in (o.work, o.log, o.reckon, o.peers))
    return o


def main():
    o = options()
    jobs = chosen(o)
    if o.list:
        for j in jobs:
            print("%-36s %3d s at most" % (j["name"], j["budget"]))
        return 0
    if o.table:
        records = told(o.table)
        o.card = next((r["card"] for r in records if r.get("card")), "unknown")
        write_log(o.log, "gpu", report(o, records))
        return 0
    o.card = card()
    if o.device == "cuda" and o.card == "no NVIDIA device":
        print("peers_gpu: skipped, there is no NVIDIA device here")
        return 0
    if o.mini:
        make_mini()
    os.makedirs(o.work, exist_ok=True)
    os.makedirs(o.log, exist_ok=True)
    return run_jobs(o, jobs)


def run_jobs(o, jobs):
    began, records = time.time(), []
    with open(os.path.join(o.log, "gpu.jsonl"), "a") as log:
        for job in jobs:
            left = o.total - (time.time() - began)
            if left < min(20, job["budget"]):
                record = {"job": job["name"], "label": job["label"], "card": o.card, **({"model": job["model"]} if "model" in job else {}), "error": "no time was left"}
            else:
                record = run_job(o, dict(job, budget=min(job["budget"], left)))
            records.append(record)
            log.write(json.dumps(record) + "\n")
            log.flush()
            os.fsync(log.fileno())
            print("%6.1f s  %-32s %s" % (time.time() - began, job["name"], "%s tokens/s" % format(round(record["tokens_per_second"], 1), ",") if record.get("tokens_per_second")
                                         else record.get("error", "well")), flush=True)
            with contextlib.redirect_stdout(io.StringIO()):
                write_log(o.log, "gpu", report(o, records))
    print("\n".join(report(o, records)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
