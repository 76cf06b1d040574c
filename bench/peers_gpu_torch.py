"""The sides of peers_gpu.py that are PyTorch's, each a process of its own: training steps, decoding by transformers, ceilings.

    train MODEL MODE BATCH STEPS DEVICE      MODE: eager, compile, blocks (each block compiled by itself: seconds instead of minutes
                                             for deep models), graphs (compiled, replayed as CUDA graphs), max (tuned longer), bf16
                                             (compiled, parameters and moments in bf16)
    decode FOLDER MODE DTYPE STEPS DEVICE IDS    MODE: dynamic or static cache (compiled by transformers)
    ceilings DEVICE

Attention is F.scaled_dot_product_attention, autocast to bf16 from f32 parameters, AdamW fused, as one would write it. What is known
is told at once, an object a line.
"""
import contextlib
import json
import sys
import time

from peers import MODELS, make_model
from peers_gpu_models import make_mini


def tell(**what):
    print(json.dumps(what), flush=True)


class Clock:
    """Seconds on the device between two moments; elsewhere by the clock."""

    def __init__(self, torch, device):
        self.torch, self.cuda, self.marks = torch, device != "cpu", []

    def mark(self):
        if self.cuda:
            self.marks.append(self.torch.cuda.Event(enable_timing=True))
            self.marks[-1].record()
        else:
            self.marks.append(time.perf_counter())

    def take(self):
        if self.cuda:
            self.torch.cuda.synchronize()
        marks, self.marks = self.marks, []
        return [a.elapsed_time(b) / 1e3 if self.cuda else b - a for a, b in zip(marks, marks[1:])]


def make_loss(torch, model, mode, device):
    """The loss of a batch, compiled as the mode says."""
    F = torch.nn.functional

    def tail(h, y):
        return F.cross_entropy(model.head(model.norm(h)).flatten(0, 1), y.flatten())

    def whole(x, y):
        return F.cross_entropy(model(x).flatten(0, 1), y.flatten())

    def in_blocks(x, y):
        h = model.embed(x)
        if model.position is not None:
            h = h + model.position.weight
        for block in model.blocks:
            h = block(h)
        return tail(h, y)

    if mode == "blocks":
        for block in model.blocks:
            block.compile()
        tail, loss = torch.compile(tail), in_blocks
    elif mode == "eager":
        loss = whole
    else:
        loss = torch.compile(whole, mode={"graphs": "reduce-overhead", "max": "max-autotune-no-cudagraphs"}.get(mode))
    rounds = device != "cpu" and mode != "bf16"
    context = (lambda: torch.autocast("cuda", torch.bfloat16)) if rounds else contextlib.nullcontext

    def loss_of(x, y):
        with context():
            return loss(x, y)

    return loss_of


def train(name, mode, batch, steps, device):
    import torch
    c = MODELS[name]
    torch.manual_seed(1)
    torch.set_float32_matmul_precision("high")
    with torch.device(device):
        model = make_model(name, sdpa=True)
        tokens = torch.randint(c["vocab"], (8, batch, c["seq"] + 1))
    if mode == "bf16":
        model.to(torch.bfloat16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    loss_of, batches = make_loss(torch, model, mode, device), [(t[:, :-1].contiguous(), t[:, 1:].contiguous()) for t in tokens]

    def step(i):
        if mode == "graphs":
            torch.compiler.cudagraph_mark_step_begin()
        loss = loss_of(*batches[i % len(batches)])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    began = time.perf_counter()
    for i in range(6):
        loss = step(i).item()
    tell(about="torch %s %s" % (torch.__version__, mode), first=loss, compiling=time.perf_counter() - began)
    clock, done = Clock(torch, device), 0
    while done < steps:  # a few at a time: what was measured is told even if the budget ends in between
        some = min(max(4, steps // 4), steps - done)
        clock.mark()
        for i in range(some):
            last = step(done + i).detach().clone()
            clock.mark()
        tell(step=clock.take(), loss=last.item())
        done += some
    if device != "cpu":
        tell(allocated=torch.cuda.max_memory_allocated(), reserved=torch.cuda.max_memory_reserved())


def decode(folder, mode, dtype, n, device, ids):
    import torch
    import transformers
    model = transformers.GPT2LMHeadModel.from_pretrained(folder, attn_implementation="sdpa", dtype={"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[dtype]).to(device).eval()
    x = torch.tensor([[int(i) for i in ids.split(",")]], device=device)
    more = {"cache_implementation": "static"} if mode == "static" else {}

    def run(tokens):
        """Moments: the beginning, and each token."""
        moments = [time.perf_counter()]

        def tick(ids, scores, **_):  # asked after every token, which the loop waits for anyway
            moments.append(time.perf_counter())
            return torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)

        with torch.inference_mode():
            model.generate(x, attention_mask=torch.ones_like(x), max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, pad_token_id=0,
                           stopping_criteria=transformers.StoppingCriteriaList([tick]), **more)
        assert len(moments) == tokens + 1, "it ended early"
        return moments

    for _ in range(2):
        run(n if mode == "static" else 16)  # another length would be compiled anew
    for _ in range(2):
        m = run(n)
        tell(step=[(m[-1] - m[1]) / (n - 1)], first=m[1] - m[0], about="transformers %s, torch %s" % (transformers.__version__, torch.__version__))


def ceilings(device, mini):
    """Best of a few: bytes read, copied (each counted), and products of random matrices in bf16."""
    import torch
    from importlib.metadata import version
    clock, elements, width = Clock(torch, device), 1 << (16 if mini else 30), 128 if mini else 8192
    x, y = torch.randn(elements, device=device), torch.empty(elements, device=device)
    a, b = (torch.randn(width, width, device=device).to(torch.bfloat16) for _ in range(2))

    def best(call, times=12):
        call()
        clock.take()
        for _ in range(times):
            clock.mark()
            call()
        clock.mark()
        return min(clock.take())

    read = min(best(x.sum), best(x.amax))
    copy = best(lambda: y.copy_(x))
    products = best(lambda: a @ b, 30)
    tell(torch=torch.__version__, transformers=version("transformers"), cudnn=torch.backends.cudnn.version(), read_bytes=4 * elements / read, copy_bytes=8 * elements / copy,
         bf16_flops=2 * width ** 3 / products)


def main():
    words = [w for w in sys.argv[1:] if w != "--mini"]
    mini = len(words) < len(sys.argv) - 1
    if mini:
        make_mini()
    if words[0] == "train":
        train(words[1], words[2], int(words[3]), int(words[4]), words[5])
    elif words[0] == "decode":
        decode(words[1], words[2], words[3], int(words[4]), words[5], words[6])
    else:
        ceilings(words[1], mini)


if __name__ == "__main__":
    sys.exit(main())
