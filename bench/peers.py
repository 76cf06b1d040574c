"""Whole training steps beside PyTorch's, on this machine, in turns.

Forward, loss, backward, clipping, fused AdamW, the same two models, batches and threads on both sides, f32 (or --policy amp-bf16,
beside autocast to bf16), no dropout, random tokens, untrained weights. Each mode of PyTorch runs in a process of its own (malloc settings are read at its start),
warm, beside one process of ours: burst, our step, burst, its step, and again. The verdict is the median of the ratios of
pairs; beside it each side's share of the fused multiply-adds that the burst next to it reached, and its peak memory. On a
machine that others use too, the ratio of processor time says more than that of the clock.

The script prints a table and writes bench/log/DATE-step.md. tools/bench-peers makes its environment (requirements.txt).
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

MODELS = {
    "cs336-17m": dict(batch=32, seq=256, vocab=10000, hidden=512, layer=4, head=16, ff=1344),
    "gpt2": dict(batch=4, seq=64, vocab=50257, hidden=768, layer=12, head=12, ff=3072),
}
MODES = ["eager", "sdpa", "compile", "compile+sdpa"]
MALLOC = {  # no mapping and unmapping between steps, large pages
    "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(16 << 30), "MALLOC_TOP_PAD_": str(256 << 20),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


# --- the models, as one would write them for PyTorch ---

def make_model(name, sdpa):
    import torch
    from torch import nn
    from torch.nn import functional as F
    c = MODELS[name]
    width = c["hidden"] // c["head"]

    def attend(q, k, v):
        if sdpa:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        t = q.shape[-2]
        seen = torch.ones(t, t, dtype=torch.bool).tril()
        scores = (q @ k.transpose(-1, -2)) * width ** -0.5
        return scores.masked_fill(~seen, float("-inf")).softmax(-1) @ v

    def heads(x):
        return x.view(*x.shape[:-1], c["head"], width).transpose(1, 2)

    def joined(x):
        return x.transpose(1, 2).flatten(2)

    class Rope(nn.Module):
        def __init__(self):
            super().__init__()
            angle = torch.outer(torch.arange(c["seq"]), 10000.0 ** (-torch.arange(0, width, 2) / width))
            self.register_buffer("cos", angle.cos())
            self.register_buffer("sin", angle.sin())

        def forward(self, x):
            a, b = x[..., 0::2], x[..., 1::2]
            return torch.stack((a * self.cos - b * self.sin, a * self.sin + b * self.cos), -1).flatten(-2)

    class Cs336Block(nn.Module):
        def __init__(self, rope):
            super().__init__()
            d, f = c["hidden"], c["ff"]
            self.norm1, self.norm2 = nn.RMSNorm(d, eps=1e-5), nn.RMSNorm(d, eps=1e-5)
            self.q, self.k, self.v, self.o = (nn.Linear(d, d, bias=False) for _ in range(4))
            self.w1, self.w3, self.w2 = nn.Linear(d, f, bias=False), nn.Linear(d, f, bias=False), nn.Linear(f, d, bias=False)
            self.rope = rope

        def forward(self, x):
            h = self.norm1(x)
            x = x + self.o(joined(attend(self.rope(heads(self.q(h))), self.rope(heads(self.k(h))), heads(self.v(h)))))
            h = self.norm2(x)
            return x + self.w2(F.silu(self.w1(h)) * self.w3(h))

    class Gpt2Block(nn.Module):
        def __init__(self):
            super().__init__()
            d = c["hidden"]
            self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
            self.qkv, self.o = nn.Linear(d, 3 * d), nn.Linear(d, d)
            self.up, self.down = nn.Linear(d, c["ff"]), nn.Linear(c["ff"], d)

        def forward(self, x):
            q, k, v = self.qkv(self.norm1(x)).split(c["hidden"], -1)
            x = x + self.o(joined(attend(heads(q), heads(k), heads(v))))
            return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            cs336, d = name.startswith("cs336"), c["hidden"]
            self.embed = nn.Embedding(c["vocab"], d)
            self.position = None if cs336 else nn.Embedding(c["seq"], d)
            rope = Rope() if cs336 else None
            self.blocks = nn.ModuleList(Cs336Block(rope) if cs336 else Gpt2Block() for _ in range(c["layer"]))
            self.norm = nn.RMSNorm(d, eps=1e-5) if cs336 else nn.LayerNorm(d)
            self.head = nn.Linear(d, c["vocab"], bias=False)
            nn.init.normal_(self.embed.weight, std=0.02)
            nn.init.normal_(self.head.weight, std=0.02)
            if not cs336:
                self.head.weight = self.embed.weight

        def forward(self, tokens):
            x = self.embed(tokens)
            if self.position is not None:
                x = x + self.position.weight
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x))

    return Model()


def work(name, mode, threads, policy):
    """One mode of PyTorch: answers "step" with its seconds, as our own bench does."""
    import resource

    import torch
    from torch.nn import functional as F
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    c = MODELS[name]
    model = make_model(name, "sdpa" in mode)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    tokens = torch.randint(c["vocab"], (c["batch"], c["seq"] + 1))
    x, y = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()

    def loss_of(x, y):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=policy == "amp-bf16"):
            return F.cross_entropy(model(x).flatten(0, 1), y.flatten())

    if "compile" in mode:
        loss_of = torch.compile(loss_of)

    def step():
        wall, processor = time.perf_counter(), time.process_time()
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return {"seconds": time.perf_counter() - wall, "processor": time.process_time() - processor, "loss": loss.item(),
                "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}

    first = step()["loss"]
    for _ in range(2):
        last = step()["loss"]
    assert last < first, "the loss does not fall"
    print(json.dumps({"ready": True, "device": "torch %s, %s" % (torch.__version__, torch.backends.cpu.get_cpu_capability())}), flush=True)
    for line in sys.stdin:
        if line.strip() == "step":
            print(json.dumps(step()), flush=True)


# --- taking turns ---

class Side:
    """A process that takes steps when asked."""

    def __init__(self, command, extra):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ, **extra))
        self.about = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("%s ended with %s" % (self.process.args[0], self.process.wait()))
        return json.loads(line)

    def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def rest():
    time.sleep(0.3)  # both sides' threads stop spinning


def take_pairs(ours, peer, pairs):
    rows = []
    for _ in range(pairs):
        row = {}
        for side, who in (("ours", ours), ("peer", peer)):
            rest()
            peak = ours.ask("burst")["peak"]
            rest()
            row[side] = who.ask("step")
            rest()
            row[side]["share"] = ours.about["flops"] / row[side]["seconds"] / ((peak + ours.ask("burst")["peak"]) / 2)
        rows.append(row)
    return rows


def summary(label, rows):
    def median(side, key):
        return statistics.median(r[side][key] for r in rows)
    ratio = sorted(r["peer"]["seconds"] / r["ours"]["seconds"] for r in rows)
    processor = sorted(r["peer"]["processor"] / r["ours"]["processor"] for r in rows)
    gib = 1 << 30
    return {
        "mode": label, "pairs": len(rows),
        "ours": median("ours", "seconds"), "peer": median("peer", "seconds"), "best": min(r["peer"]["seconds"] for r in rows),
        "ours_share": median("ours", "share"), "peer_share": median("peer", "share"),
        "ratio": statistics.median(ratio), "low": ratio[0], "high": ratio[-1], "processor": statistics.median(processor),
        "ours_memory": rows[-1]["ours"]["memory"] / gib, "peer_memory": rows[-1]["peer"]["memory"] / gib,
    }


HEAD = "| PyTorch mode | its s/step (best) | of burst | peak GiB | our s/step | of burst | peak GiB | its / our time (range) | processor time | our / its memory |"


def line(s):
    return ("| %(mode)s | %(peer).3f (%(best).3f) | {:.0%%} | %(peer_memory).2f | %(ours).3f | {:.0%%} | %(ours_memory).2f | **%(ratio).2f** (%(low).2f-%(high).2f) | %(processor).2f | %(memory).2f |"
            % dict(s, memory=s["ours_memory"] / s["peer_memory"])).format(s["peer_share"], s["ours_share"])


def run_model(name, options):
    c, out = MODELS[name], []
    ours = Side([options.bench, "--serve", name, str(c["batch"]), str(c["seq"])], {"BENCH_THREADS": str(options.threads), "BENCH_POLICY": options.policy})
    title = "%s, %s, batch %d, %d tokens: %.1f GFLOP in a step" % (name, options.policy, c["batch"], c["seq"], ours.about["flops"] * 1e-9)
    out += ["", "## " + title, "", "Ours: %s." % ours.about["device"], "", HEAD, "|" + "---|" * (HEAD.count("|") - 1)]
    print("\n".join(out), flush=True)
    for mode in options.modes.split(","):
        for tuned in ((False, True) if options.malloc == "both" else (options.malloc == "tuned",)):
            label = mode + (", malloc tuned" if tuned else "")
            extra = dict(MALLOC if tuned else {}, OMP_NUM_THREADS=str(options.threads))
            try:
                peer = Side([sys.executable, os.path.abspath(__file__), "--worker", name, mode, "--threads", str(options.threads), "--policy", options.policy], extra)
            except RuntimeError as error:
                out.append("| %s | does not run: %s |" % (label, error))
            else:
                out.append(line(summary(label, take_pairs(ours, peer, options.pairs))))
                peer.close()
            print(out[-1], flush=True)
    ours.close()
    return out


# --- where and when ---

def first_line_of(path, start):
    try:
        with open(path) as f:
            for text in f:
                if text.startswith(start):
                    return text.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown"


def write_log(folder, what, lines):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "%s-%s.md" % (time.strftime("%Y-%m-%d"), what))
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    print("\nwritten to " + path)


def commit():
    try:
        with open(os.path.join(ROOT, ".git", "HEAD")) as f:
            head = f.read().strip()
        if head.startswith("ref: "):
            with open(os.path.join(ROOT, ".git", head[5:])) as f:
                head = f.read().strip()
        return head[:12]
    except OSError:
        return "unknown"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--malloc", choices=("both", "plain", "tuned"), default="both")
    parser.add_argument("--policy", choices=("fp32", "amp-bf16"), default="fp32")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--bench", default=os.path.join(ROOT, "build", "bench", "bench_step"))
    parser.add_argument("--log", default=os.path.join(HERE, "log"))
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(*options.worker, options.threads, options.policy)
    try:
        import torch
    except ImportError as error:
        print("peers: skipped, PyTorch is not here: %s" % error)
        return 0
    load = os.getloadavg()[0]
    out = ["# Training steps beside PyTorch, %s" % time.strftime("%Y-%m-%d %H:%M"), "",
           "%s, %d of %d processors, load %.1f before; %s; torch %s; reckon at %s. Median of %d pairs, taken in turns (bench/peers.py)."
           % (first_line_of("/proc/cpuinfo", "model name"), options.threads, os.cpu_count(), load, platform.platform(), torch.__version__, commit(), options.pairs)]
    print("\n".join(out))
    for name in options.models.split(","):
        out += run_model(name, options)
    write_log(options.log, "step" if options.policy == "fp32" else "step-" + options.policy, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
