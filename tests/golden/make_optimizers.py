#!/usr/bin/env python3
"""Makes optimizers.def: ten steps of PyTorch's optimizers on small tensors, in f64. Run: python3 make_optimizers.py > optimizers.def

Weights and gradients are sequences that test_optimizers.c makes, too, so that only what came of them is kept. Muon rounds to
bfloat16 on its way: all of its runs but muon_rounded are its own code with f64 in that place."""
import torch
import torch.optim._muon as muon_module

TENSORS = [("matrix", (5, 7)), ("box", (3, 4, 6)), ("vector", (9,)), ("fused", (12, 6)), ("tall", (7, 3))]
STEPS, DECAY, EPS1 = 10, 0.1, 2.0**-23


def sequence(tensor, t, n):
    """n numbers within -1 and 1: the weights (t = 0), or the gradient of step t."""
    return [(((i + 1) * 7919 + t * 104729 + (tensor + 1) * 1299709) ** 2 % 20011) / 10005.5 - 1 for i in range(n)]


class Unrounded:
    """torch, but for the dtype that Muon rounds to."""
    bfloat16 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


def after(make, rate, which):
    """Weights after the steps; the learning rate of step t is rate(t)."""
    values = []
    for at, (name, shape) in enumerate(TENSORS):
        if name not in which:
            continue
        n = torch.Size(shape).numel()
        p = torch.nn.Parameter(torch.tensor(sequence(at, 0, n), dtype=torch.float64).reshape(shape))
        optimizer = make([p])
        for t in range(1, STEPS + 1):
            optimizer.param_groups[0]["lr"] = rate(t)
            p.grad = torch.tensor(sequence(at, t, n), dtype=torch.float64).reshape(shape) * (0.1 if t % 3 == 0 else 1.0)
            optimizer.step()
        values += p.detach().flatten().tolist()
    return values


def muon(rounded, **how):
    def make(p):
        return torch.optim.Muon(p, weight_decay=DECAY, **how)

    def run(rate, which):
        muon_module.torch = torch if rounded else Unrounded()
        values = after(make, rate, which)
        muon_module.torch = torch
        return values
    return run


def plain(kind, **how):
    return lambda rate, which: after(lambda p: kind(p, **how), rate, which)


ALL, MATRICES = ["matrix", "box", "vector", "fused", "tall"], ["matrix", "fused", "tall"]
optim = torch.optim
RUNS = [
    ("adamw", ALL, plain(optim.AdamW, betas=(0.9, 0.95), eps=1e-8, weight_decay=DECAY)),
    ("sgd", ALL, plain(optim.SGD, momentum=0, weight_decay=DECAY)),
    ("sgd_momentum", ALL, plain(optim.SGD, momentum=0.9, weight_decay=DECAY)),
    ("sgd_nesterov", ALL, plain(optim.SGD, momentum=0.9, nesterov=True, weight_decay=DECAY)),
    ("adafactor", ALL, plain(optim.Adafactor, eps=(EPS1, 1e-3), weight_decay=DECAY)),
    ("adafactor_other", ALL, plain(optim.Adafactor, eps=(EPS1, 0.5), d=1.5, beta2_decay=-0.5, weight_decay=DECAY)),
    ("muon", MATRICES, muon(False, momentum=0.95)),
    ("muon_rms", MATRICES, muon(False, momentum=0.9, adjust_lr_fn="match_rms_adamw")),
    ("muon_spectral", MATRICES, muon(False, nesterov=False, adjust_lr_fn="spectral_unclamped")),
    ("muon_rounded", MATRICES, muon(True, momentum=0.95)),
]

print(f"/* optimizers.def: weights after {STEPS} steps, made by make_optimizers.py with torch {torch.__version__.split('+')[0]}. RUN(name, values) */")
for name, which, run in RUNS:
    values = run(lambda t: 0.05 / t**0.5, which)
    print(f"RUN({name},")
    for i in range(0, len(values), 6):
        print("    " + ", ".join(f"{v:.17g}" for v in values[i:i + 6]) + ("," if i + 6 < len(values) else ")"))
