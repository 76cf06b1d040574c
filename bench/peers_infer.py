"""Tokens and forward passes beside other engines, on this machine, in turns.

GPT-2 124M with random weights (BERT base and Marian base where asked), the same file for everybody: transformers reads the
folder, CTranslate2 what its converter makes of it, llama.cpp a GGUF written here (f32, f16, q8_0), reckon the folder and what
`reckon convert` makes of it. Each engine runs in a process of its own and answers one question at a time; ours, theirs and
the rate at which memory is read take turns. The verdict is the median of the ratios of pairs.

    tools/bench-peers infer          makes the environment, then runs this; peers that are not there are left out, by name

Writes bench/log/DATE-infer.md. Weights are made once, in build/infer.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

from peers import HERE, ROOT, first_line_of, write_log


# --- weights ---

def make_weights(folder, reckon, gguf):
    """Random weights by transformers, and the same in everybody's format."""
    import torch
    import transformers as t
    torch.manual_seed(0)
    made = {
        "gpt2-f32": lambda: t.GPT2LMHeadModel(t.GPT2Config()),
        "bert-f32": lambda: t.BertForMaskedLM(t.BertConfig()),
        "marian-f32": lambda: t.MarianMTModel(t.MarianConfig(
            vocab_size=58101, d_model=512, encoder_layers=6, decoder_layers=6, encoder_attention_heads=8, decoder_attention_heads=8,
            encoder_ffn_dim=2048, decoder_ffn_dim=2048, max_position_embeddings=512, pad_token_id=58100, eos_token_id=0,
            decoder_start_token_id=58100, scale_embedding=True, activation_function="swish", static_position_embeddings=True)),
    }
    for name, make in made.items():
        path = os.path.join(folder, name)
        if not os.path.exists(os.path.join(path, "model.safetensors")):
            make().eval().save_pretrained(path)
    for name, how in (("f16", ["--dtype", "f16"]), ("int8", ["--dtype", "int8"]), ("packed", ["--dtype", "f32", "--layout", "packed"])):
        out = os.path.join(folder, "gpt2-" + name)
        if not os.path.exists(os.path.join(out, "model.safetensors")):
            subprocess.run([reckon, "convert", os.path.join(folder, "gpt2-f32"), out, *how, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    for dtype in gguf:
        write_gguf(os.path.join(folder, "gpt2-f32"), os.path.join(folder, "gpt2-%s.gguf" % dtype), dtype)


def write_gguf(source, path, dtype):
    """GPT-2 as llama.cpp reads it; its tokens are only numbers, since nothing here is text."""
    if os.path.exists(path):
        return
    import gguf
    import numpy
    from safetensors.numpy import load_file
    w = gguf.GGUFWriter(path, "gpt2")
    w.add_name("gpt2")
    w.add_context_length(1024)
    w.add_embedding_length(768)
    w.add_block_count(12)
    w.add_feed_forward_length(3072)
    w.add_head_count(12)
    w.add_layer_norm_eps(1e-5)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(["t%d" % i for i in range(50257)])
    w.add_token_types([gguf.TokenType.NORMAL] * 50257)
    w.add_token_merges(["t 1"])
    w.add_bos_token_id(50256)
    w.add_eos_token_id(50256)
    names = {"ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}
    kinds = {"f32": gguf.GGMLQuantizationType.F32, "f16": gguf.GGMLQuantizationType.F16, "q8_0": gguf.GGMLQuantizationType.Q8_0}

    def add(name, x):
        x = numpy.ascontiguousarray(x, dtype=numpy.float32)
        kind = kinds[dtype] if x.ndim == 2 and not name.startswith("position") else gguf.GGMLQuantizationType.F32
        w.add_tensor(name, gguf.quants.quantize(x, kind), raw_dtype=kind)

    tensors = {k.removeprefix("transformer."): v for k, v in load_file(os.path.join(source, "model.safetensors")).items()}
    add("token_embd.weight", tensors["wte.weight"])
    add("output.weight", tensors["wte.weight"])
    add("position_embd.weight", tensors["wpe.weight"])
    for end in ("weight", "bias"):
        add("output_norm." + end, tensors["ln_f." + end])
    for i in range(12):
        for ours, theirs in names.items():
            for end in ("weight", "bias"):
                x = tensors["h.%d.%s.%s" % (i, ours, end)]
                add("blk.%d.%s.%s" % (i, theirs, end), x.T if x.ndim == 2 else x)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


# --- engines: each answers `decode N PAST`, `prompt N`, `forward B T`, `translate B S N BEAMS` with seconds ---

class Transformers:
    def __init__(self, path, threads, kind):
        import torch
        import transformers as t
        torch.set_num_threads(threads)
        self.torch = torch
        make = {"gpt2": t.GPT2LMHeadModel, "bert": t.BertForMaskedLM, "marian": t.MarianMTModel}[kind]
        self.model = make.from_pretrained(path, attn_implementation="eager" if kind == "gpt2" else "sdpa").eval()
        self.about = "transformers %s, torch %s" % (t.__version__, torch.__version__)

    def ids(self, batch, n):
        return self.torch.tensor([[(i + k * n) * 7919 % 10007 for i in range(n)] for k in range(batch)])

    def decode(self, n, past):
        torch = self.torch
        with torch.inference_mode():
            cache = self.model(self.ids(1, past), use_cache=True).past_key_values
            began = now()
            for i in range(n):
                out = self.model(torch.tensor([[i]]), past_key_values=cache, use_cache=True)
                cache = out.past_key_values
            return (now() - began) / n

    def prompt(self, n):
        with self.torch.inference_mode():
            ids = self.ids(1, n)
            began = now()
            self.model(ids, use_cache=True, logits_to_keep=1)
            return now() - began

    def forward(self, batch, n):
        with self.torch.inference_mode():
            ids = self.ids(batch, n)
            began = now()
            self.model(ids)
            return now() - began

    def translate(self, batch, source, n, beams):
        with self.torch.inference_mode():
            ids = self.ids(batch, source)
            began = now()
            self.model.generate(ids, max_new_tokens=n, min_new_tokens=n, num_beams=beams, do_sample=False)
            return now() - began


class CTranslate2:
    def __init__(self, path, threads, compute):
        import ctranslate2
        made = path + "-ct2"
        if not os.path.exists(os.path.join(made, "model.bin")):
            from ctranslate2.converters.transformers import TransformersConverter
            with open(os.path.join(path, "vocab.json"), "w") as f:
                json.dump({"t%d" % i: i for i in range(50256)} | {"<|endoftext|>": 50256}, f)
            with open(os.path.join(path, "merges.txt"), "w") as f:
                f.write("#version: 0.2\n")
            TransformersConverter(path).convert(made, force=True)
        self.generator = ctranslate2.Generator(made, device="cpu", compute_type=compute, intra_threads=threads, inter_threads=1)
        self.about = "CTranslate2 %s, %s" % (ctranslate2.__version__, compute)

    def run(self, prompt, n):
        began = now()
        self.generator.generate_batch([["t%d" % (i * 7919 % 10007) for i in range(prompt)]], max_length=n, min_length=n, sampling_topk=1, include_prompt_in_result=False)
        return now() - began

    def decode(self, n, past):
        return (self.run(past, n + 1) - self.run(past, 1)) / n

    def prompt(self, n):
        return self.run(n, 1)


class LlamaCpp:
    def __init__(self, path, threads, dtype):
        import llama_cpp
        import numpy
        self.model = llama_cpp.Llama(path.replace("gpt2-f32", "gpt2-%s.gguf" % dtype), n_ctx=1024, n_threads=threads, n_threads_batch=threads, n_batch=512, n_ubatch=512, verbose=False)
        self.numpy = numpy
        self.about = "llama-cpp-python %s, %s" % (llama_cpp.__version__, dtype)

    def decode(self, n, past):
        self.model.reset()
        self.model.eval([i * 7919 % 10007 for i in range(past)])
        began = now()
        for i in range(n):
            self.model.eval([i])
        return (now() - began) / n

    def prompt(self, n):
        self.model.reset()
        began = now()
        self.model.eval([i * 7919 % 10007 for i in range(n)])
        return now() - began


ENGINES = {"transformers": Transformers, "ctranslate2": CTranslate2, "llama.cpp": LlamaCpp}


def now():
    """By the clock, and of all processors."""
    return Seconds((time.perf_counter(), time.process_time()))


class Seconds(tuple):
    def __sub__(self, other):
        return Seconds(a - b for a, b in zip(self, other))

    def __truediv__(self, n):
        return Seconds(a / n for a in self)


def work(engine, path, option, threads):
    """One engine, asked by standard input."""
    real = os.dup(1)
    os.dup2(2, 1)  # what libraries print is not an answer
    answer = os.fdopen(real, "w")
    side = ENGINES[engine](path, threads, option)
    print(side.about, file=answer, flush=True)
    for text in sys.stdin:
        word, *numbers = text.split()
        print(*getattr(side, word)(*map(int, numbers)), file=answer, flush=True)
    return 0


class Side:
    def __init__(self, command, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), BENCH_THREADS=str(threads), TOKENIZERS_PARALLELISM="false")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, stderr=subprocess.DEVNULL)
        self.about = self.process.stdout.readline().strip()
        if not self.about:
            raise RuntimeError("it does not start")

    def ask(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            raise RuntimeError("it ended at \"%s\"" % words)
        return [float(x) for x in answer]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# --- pairs ---

CASES = [  # what, our weights, question, engine, its option, its weights, its question (None: the same)
    ("decode f32", "gpt2-f32", "decode 12 64", "transformers", "gpt2", "gpt2-f32", None),
    ("decode f32", "gpt2-f32", "decode 12 64", "llama.cpp", "f32", "gpt2-f32", None),
    ("decode f32", "gpt2-f32", "decode 12 64", "ctranslate2", "float32", "gpt2-f32", None),
    ("decode f32, packed", "gpt2-packed", "decode 12 64", "transformers", "gpt2", "gpt2-f32", None),
    ("decode f32, packed", "gpt2-packed", "decode 12 64", "llama.cpp", "f32", "gpt2-f32", None),
    ("decode f16", "gpt2-f16", "decode 16 64", "transformers", "gpt2", "gpt2-f16", None),
    ("decode f16", "gpt2-f16", "decode 16 64", "llama.cpp", "f16", "gpt2-f32", None),
    ("decode int8", "gpt2-int8", "decode 24 64", "llama.cpp", "q8_0", "gpt2-f32", None),
    ("decode int8", "gpt2-int8", "decode 24 64", "ctranslate2", "int8", "gpt2-f32", None),
    ("prompt 512, last logits, f32", "gpt2-f32", "prompt 512", "transformers", "gpt2", "gpt2-f32", None),
    ("prompt 512, last logits, f32, packed", "gpt2-packed", "prompt 512", "transformers", "gpt2", "gpt2-f32", None),
    ("prompt 512, last logits, f32", "gpt2-f32", "prompt 512", "llama.cpp", "f32", "gpt2-f32", None),
    ("prompt 512, last logits, int8", "gpt2-int8", "prompt 512", "ctranslate2", "int8", "gpt2-f32", None),
    ("prompt 512, all logits, f32", "gpt2-f32", "forward 1 512", "transformers", "gpt2", "gpt2-f32", None),
    ("prompt 512, all logits, f32, packed", "gpt2-packed", "forward 1 512", "transformers", "gpt2", "gpt2-f32", None),
    ("BERT base, B 8, T 128, f32", "bert-f32", "forward 8 128", "transformers", "bert", "bert-f32", None),
    ("Marian base, B 16, 24 -> 32, greedy, f32", "marian-f32", "translate 16 24 32 1", "transformers", "marian", "marian-f32", None),
    ("Marian base, B 16, 24 -> 32, 4 beams, f32", "marian-f32", "translate 16 24 32 4", "transformers", "marian", "marian-f32", None),
]
HEAD = "| what | beside | ours, ms | theirs, ms | theirs / ours (range) | processor time | bytes/s | of what was read beside it |"


def run_case(case, folder, o):
    what, weights, question, engine, option, theirs, their_question = case
    ours = Side([o.bench, os.path.join(folder, weights)], o.threads)
    peer = Side([sys.executable, os.path.abspath(__file__), "--worker", engine, os.path.join(folder, theirs), option, "--threads", str(o.threads)], o.threads)
    rows = []
    for i in range(o.pairs + 1):
        mine, rate, other = ours.ask(question), ours.ask("read")[0], peer.ask(their_question or question)
        rate = (rate + ours.ask("read")[0]) / 2
        if i > 0:  # the first warms both
            rows.append((mine[0], other[0], mine[2] / mine[0] if len(mine) > 2 else 0, rate, other[1] / mine[1]))
    ratio = sorted(b / a for a, b, *_ in rows)
    median = statistics.median
    moved = "%.1f GB/s | %.0f %%" % (median(r[2] for r in rows) * 1e-9, 100 * median(r[2] / r[3] for r in rows)) if rows[0][2] else " | "
    about = peer.about
    ours.close()
    peer.close()
    return "| %s | %s | %.2f | %.2f | **%.2f** (%.2f-%.2f) | %.2f | %s |" % (what, about, 1e3 * median(r[0] for r in rows), 1e3 * median(r[1] for r in rows), median(ratio), ratio[0], ratio[-1], median(r[4] for r in rows), moved)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--cases", default="", help="words: only cases that have one of them, by commas")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--bench", default=os.path.join(ROOT, "build", "bench", "bench_infer"))
    parser.add_argument("--reckon", default=os.path.join(ROOT, "build", "reckon"))
    parser.add_argument("--weights", default=os.path.join(ROOT, "build", "infer"))
    parser.add_argument("--make", action="store_true", help="make the weights, and nothing else")
    parser.add_argument("--log", default=os.path.join(HERE, "log"))
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.worker:
        return work(*o.worker, o.threads)
    os.makedirs(o.weights, exist_ok=True)
    missing = []
    for module in ("transformers", "ctranslate2", "llama_cpp", "gguf"):
        if subprocess.run([sys.executable, "-c", "import " + module], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode != 0:
            missing.append(module)
    if "transformers" in missing:
        print("peers_infer: skipped, transformers is not here")
        return 0
    make_weights(o.weights, o.reckon, [] if "gguf" in missing else ["f32", "f16", "q8_0"])
    if o.make:
        return 0
    out = ["# Inference beside other engines, %s" % time.strftime("%Y-%m-%d %H:%M"), "",
           "%s, %d of %d processors, load %.1f before; %s. Random weights, median of %d pairs, taken in turns (bench/peers_infer.py)%s."
           % (first_line_of("/proc/cpuinfo", "model name"), o.threads, os.cpu_count(), os.getloadavg()[0], platform.platform(), o.pairs,
              "; not here: " + ", ".join(missing) if missing else ""), "", HEAD, "|" + "---|" * (HEAD.count("|") - 1)]
    print("\n".join(out), flush=True)
    for case in CASES:
        if o.cases and not any(w in case[0] + " " + case[3] for w in o.cases.split(",")):
            continue
        try:
            out.append(run_case(case, o.weights, o))
        except RuntimeError as error:
            out.append("| %s | %s: %s | | | | | | |" % (case[0], case[3], error))
        print(out[-1], flush=True)
    write_log(o.log, "infer", out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
