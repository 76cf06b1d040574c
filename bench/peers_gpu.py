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

llm.c is built beforehand by `tools/bench-gpu llm.c`. Not here: sizes, tokens and weights (peers_gpu_models.py), the sides
(peers_gpu_sides.py, and peers_gpu_torch.py what imports torch), the table (peers_gpu_table.py).
"""
import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import time

from peers import HERE, MODELS, ROOT, commit, write_log
from peers_gpu_models import make_mini
from peers_gpu_sides import SIDES, events, libraries, run_process
from peers_gpu_table import report


# --- jobs ---

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
            tell(o, records)
    print("\n".join(report(o, records)))
    return 0


def tell(o, records):
    """The table so far; what is wrong with it is no reason to measure no more."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            write_log(o.log, "gpu", report(o, records))
    except Exception as error:
        print("no table: %s: %s" % (type(error).__name__, error), flush=True)


if __name__ == "__main__":
    sys.exit(main())
