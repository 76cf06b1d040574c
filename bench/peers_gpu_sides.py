"""The sides of peers_gpu.py: the command of each, a process for it, and what its lines say.

A side that fails says why, and what it told until then counts. Not here: which jobs there are (peers_gpu.py), what imports torch
(peers_gpu_torch.py).
"""
import glob
import importlib.util
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading

from peers import HERE, MODELS
from peers_gpu_models import make_gpt2_folder, make_llmc_weights, make_tokens, reckon_model

WORKER = os.path.join(HERE, "peers_gpu_torch.py")


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
    policy = ["--policy", job["policy"] if o.device != "cpu" else "fp32"]
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
