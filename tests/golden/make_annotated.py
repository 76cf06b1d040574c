#!/usr/bin/env python3
"""What PyTorch computes of The Annotated Transformer, written down here from its equations; no library has the model.

    make_annotated.py > annotated.def              a tiny one, whose weights test_annotated.c makes, too: logits, losses, greedy ids
    make_annotated.py FOLDER [SEED]                one with random weights and sizes, for `reckon verify FOLDER`: everything

  x = √D·table[id] + sin and cos of t / 10000^(2i/D) in pairs
  norm(x) = a_2·(x - mean) / (deviation + eps) + b_2, the deviation being the unbiased one
  encoder: x += attn(norm x); x += mlp(norm x);  decoder: x += attn(norm x), causal; x += attn(norm x, memory); x += mlp(norm x)
  one more norm behind each tower; logits = W x + b
Needs torch, and for a folder safetensors."""
import json, math, sys
import torch
from torch import nn

STEPS = 10


class Norm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.a_2, self.b_2, self.eps = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width)), eps

    def forward(self, x):
        return self.a_2 * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + self.eps) + self.b_2


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.linears = heads, nn.ModuleList(nn.Linear(width, width) for _ in range(4))

    def forward(self, x, memory, seen):
        split = lambda y: y.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        q, k, v = (split(linear(y)) for linear, y in zip(self.linears, (x, memory, memory)))
        scores = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).masked_fill(~seen, -1e9)
        return self.linears[3]((scores.softmax(-1) @ v).transpose(1, 2).flatten(-2))


class FeedForward(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.w_1, self.w_2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        return self.w_2(self.w_1(x).relu())


class Residual(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.norm = Norm(width, eps)

    def forward(self, x, sublayer):
        return x + sublayer(self.norm(x))


class Layer(nn.Module):
    def __init__(self, c, decodes):
        super().__init__()
        self.self_attn = Attention(c["d_model"], c["h"])
        if decodes:
            self.src_attn = Attention(c["d_model"], c["h"])
        self.feed_forward = FeedForward(c["d_model"], c["d_ff"])
        self.sublayer = nn.ModuleList(Residual(c["d_model"], c["eps"]) for _ in range(3 if decodes else 2))

    def forward(self, x, seen, memory=None, there=None):
        x = self.sublayer[0](x, lambda y: self.self_attn(y, y, seen))
        if memory is not None:
            x = self.sublayer[1](x, lambda y: self.src_attn(y, memory, there))
        return self.sublayer[-1](x, self.feed_forward)


class Tower(nn.Module):
    def __init__(self, c, decodes):
        super().__init__()
        self.layers = nn.ModuleList(Layer(c, decodes) for _ in range(c["N"] if decodes else c["N_encoder"]))
        self.norm = Norm(c["d_model"], c["eps"])

    def forward(self, x, hidden, *how):
        hidden.append(x)
        for layer in self.layers:
            x = layer(x, *how)
            hidden.append(x)
        return self.norm(x)


class Table(nn.Module):
    def __init__(self, vocab, width):
        super().__init__()
        self.lut = nn.Embedding(vocab, width)

    def forward(self, ids):
        width = self.lut.embedding_dim
        t, i = torch.arange(ids.shape[1], dtype=torch.float64)[:, None], torch.arange(0, width, 2, dtype=torch.float64)
        angle = t / 10000 ** (i / width)
        places = torch.stack((angle.sin(), angle.cos()), -1).flatten(-2)[:, :width]
        return self.lut(ids) * math.sqrt(width) + places.to(self.lut.weight.dtype)


class Generator(nn.Module):
    def __init__(self, width, vocab):
        super().__init__()
        self.proj = nn.Linear(width, vocab)


class Annotated(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.encoder, self.decoder = Tower(c, False), Tower(c, True)
        self.src_embed, self.tgt_embed = nn.ModuleList([Table(c["src_vocab"], c["d_model"])]), nn.ModuleList([Table(c["tgt_vocab"], c["d_model"])])
        self.generator = Generator(c["d_model"], c["tgt_vocab"])

    def forward(self, source, mask, target):
        hidden, there = [], mask.bool()[:, None, None, :]
        before = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).tril()
        memory = self.encoder(self.src_embed[0](source), hidden, there)
        x = self.decoder(self.tgt_embed[0](target), hidden, before, memory, there)
        return self.generator.proj(x), hidden


def loss_of(model, b):
    logits, _ = model(b["input_ids"], b["attention_mask"], b["decoder_input_ids"])
    return nn.functional.cross_entropy(logits.flatten(0, 1), b["labels"].flatten(), ignore_index=-100)


def adamw(model, b):
    """The losses before each step; the weights are then those after the last."""
    matrices, vectors = [p for p in model.parameters() if p.dim() >= 2], [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}], lr=1e-2, betas=(0.9, 0.95), eps=1e-8)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, b)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return losses


@torch.no_grad()
def greedy(model, b, n):
    ids = b["decoder_input_ids"][:, :1]
    for _ in range(n):
        ids = torch.cat((ids, model(b["input_ids"], b["attention_mask"], ids)[0][:, -1].argmax(-1, keepdim=True)), 1)
    return ids


# --- a tiny one ---

TINY = {"src_vocab": 7, "tgt_vocab": 9, "max_len": 8, "d_model": 6, "N": 2, "N_encoder": 1, "h": 2, "d_ff": 10, "eps": 0.01}
LENGTHS, TARGETS = [5, 3], 4


def sequence(tensor, n):
    """n numbers within -1 and 1."""
    return [(((i + 1) * 7919 + (tensor + 1) * 1299709) ** 2 % 20011) / 10005.5 - 1 for i in range(n)]


def tiny():
    torch.set_default_dtype(torch.float64)
    model = Annotated(TINY)
    for at, (name, p) in enumerate(model.named_parameters()):
        base = 1 if name.endswith("a_2") else 0
        p.data = torch.tensor([base + 0.5 * x for x in sequence(at, p.numel())]).reshape(p.shape)
    source = torch.tensor([[(3 * s + 2 * r) % 7 if s < LENGTHS[r] else 0 for s in range(max(LENGTHS))] for r in range(2)])
    target = torch.tensor([[(2 * t + 3 * r) % 9 for t in range(TARGETS + 1)] for r in range(2)])
    b = {"input_ids": source, "attention_mask": torch.tensor([[int(s < n) for s in range(max(LENGTHS))] for n in LENGTHS]),
         "decoder_input_ids": target[:, :-1], "labels": target[:, 1:]}
    print(f"/* annotated.def: made by make_annotated.py with torch {torch.__version__.split('+')[0]}. TENSOR(name, shape) in the order of their numbers; VALUES(name, values) */")
    for name, p in model.named_parameters():
        print(f"TENSOR(\"{name}\", {', '.join(map(str, p.shape))})")
    logits = model(source, b["attention_mask"], b["decoder_input_ids"])[0].flatten().tolist()
    ids = greedy(model, b, 3).flatten().tolist()
    for name, values in ("logits", logits), ("loss", [loss_of(model, b).item()]), ("greedy", ids), ("losses", adamw(model, b)):
        print(f"VALUES({name},")
        for i in range(0, len(values), 6):
            print("    " + ", ".join(f"{v:.17g}" for v in values[i:i + 6]) + ("," if i + 6 < len(values) else ")"))


# --- any ---

def random_case(folder, seed):
    from pathlib import Path
    from safetensors.torch import save_file
    torch.manual_seed(seed)
    draw = lambda low, high: int(torch.randint(low, high + 1, ()))
    heads = draw(1, 4)
    c = {"model_type": "annotated-transformer", "src_vocab": draw(5, 90), "tgt_vocab": draw(5, 90), "max_len": 32, "d_model": 2 * heads * draw(2, 9), "N": draw(1, 3), "N_encoder": draw(1, 3),
         "h": heads, "d_ff": draw(1, 60), "eps": [1e-6, 1e-2][draw(0, 1)], "dropout": 0.0}
    batch, s, t = draw(1, 4), draw(2, 12), draw(2, 10)
    lengths = torch.randint(1, s + 1, (batch, 1))
    lengths[0] = s
    torch.set_default_dtype(torch.float64)
    wide = Annotated(c)
    for name, p in wide.named_parameters():
        p.data = torch.randn(p.shape) * (0.5 if p.dim() < 2 else 1.5 / math.sqrt(p.shape[-1])) + (1 if name.endswith("a_2") else 0)
        p.data = p.data.float().double()
    first = {k: v.float().clone() for k, v in wide.state_dict().items()}        # the weights of both precisions
    target = torch.randint(0, c["tgt_vocab"], (batch, t + 1))
    b = {"input_ids": torch.randint(0, c["src_vocab"], (batch, s)), "attention_mask": (torch.arange(s)[None] < lengths).long(), "decoder_input_ids": target[:, :-1], "labels": target[:, 1:].clone()}
    b["labels"][torch.rand(b["labels"].shape) < 0.2] = -100
    b["labels"][0, 0] = target[0, 1]
    logits, hidden = wide(b["input_ids"], b["attention_mask"], b["decoder_input_ids"])
    loss = loss_of(wide, b)
    loss.backward()
    io = dict(b) | {"logits64": logits, "loss": loss} | {f"hidden64.{i}": h for i, h in enumerate(hidden)}
    io |= {"grad." + name: p.grad.clone() for name, p in wide.named_parameters()}
    io |= {"greedy": greedy(wide, b, 6), "greedy.prompt": torch.tensor(1)}
    narrow = Annotated(c).float()
    narrow.load_state_dict(first)
    notes = {"fp32_logits": (narrow(b["input_ids"], b["attention_mask"], b["decoder_input_ids"])[0] - logits).abs().max() / logits.abs().max()}
    loss_of(narrow, b).backward()
    gradients = [(p.grad, q.grad) for p, q in zip(wide.parameters(), narrow.parameters())]
    largest = max(g.norm() for g, _ in gradients)
    notes["fp32_grad"] = max((h - g).norm() / max(g.norm(), 1e-4 * largest) for g, h in gradients)
    losses = torch.tensor(adamw(wide, b))
    notes["fp32_adamw_losses"] = ((torch.tensor(adamw(narrow, b)) - losses).abs() / losses).max()
    io["adamw.losses"] = losses
    io |= {"adamw." + name: p for name, p in wide.named_parameters()}
    Path(folder).mkdir(parents=True, exist_ok=True)
    save_file(first, folder + "/model.safetensors")
    save_file({k: v.detach().contiguous().clone() for k, v in io.items()}, folder + "/io.safetensors", {k: f"{v.item():.2e}" for k, v in notes.items()})
    Path(folder, "config.json").write_text(json.dumps(c, indent=1))


if len(sys.argv) > 1:
    random_case(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
else:
    tiny()
