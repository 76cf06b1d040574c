"""What is the same for all sides of peers_gpu.py: the models' sizes and FLOPs, random tokens, random weights in everybody's format."""
import array
import functools
import itertools
import json
import os

from peers import MODELS

PLACES = itertools.count(0, 7919)
MODELS.update({
    "gpt2": dict(batch=64, seq=1024, vocab=50257, hidden=768, layer=12, head=12, ff=3072),
    "gpt2-50304": dict(batch=64, seq=1024, vocab=50304, hidden=768, layer=12, head=12, ff=3072),
    "gpt2-medium": dict(batch=32, seq=1024, vocab=50257, hidden=1024, layer=24, head=16, ff=4096),
    "gpt2-large": dict(batch=32, seq=1024, vocab=50257, hidden=1280, layer=36, head=20, ff=5120),
    "gpt2-xl": dict(batch=16, seq=1024, vocab=50257, hidden=1600, layer=48, head=25, ff=6400),
})
MINI = {"batch": 2, "seq": 32, "vocab": 512, "hidden": 64, "layer": 1, "head": 2, "ff": 256}


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
