"""words.def: what transformers makes of whole texts with tiny models: fill-mask, pooled vectors, perplexity in windows.

    pip install torch transformers
    python tests/golden/make_words.py >tests/golden/words.def

Weights are by a formula that tests/golden/test_words.c has, too, so that no file of weights is needed: a hash of the tensor's
name and the number's place. transformers computes in f64.
"""
import tempfile

import torch
import transformers
from transformers import BertConfig, BertForMaskedLM, BertModel, BertTokenizer, FillMaskPipeline, GPT2Config, GPT2LMHeadModel, GPT2Model

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] . , the a an cat dog sat ran on under mat tree in sun ##s ##ing was is old new".split()


def number(name, i):
    h = 2166136261
    for byte in name.encode():
        h = (h ^ byte) * 16777619 % 2**32
    h = (h + i * 2654435761) % 2**32
    h ^= h >> 15
    h = h * 0x85EBCA6B % 2**32
    h ^= h >> 13
    h = h * 0xC2B2AE35 % 2**32
    h ^= h >> 16
    return (h >> 8) / 2**24 - 0.5


def fill(model):
    seen = set()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.data_ptr() in seen:
                continue
            seen.add(p.data_ptr())
            norm = p.dim() == 1 and name.endswith("weight")
            values = [(1 if norm else 0) + number(name, i) * 0.8 for i in range(p.numel())]
            p.copy_(torch.tensor(values, dtype=torch.float32).reshape(p.shape))
    return model.double().eval()


def row(kind, *fields):
    print(f"{kind}(" + ", ".join(fields) + ")")


def text(s):
    return '"' + s.replace('"', '\\"') + '"'


def numbers(values):
    return text(" ".join(f"{float(v):.12g}" for v in values))


def main():
    print(f"/* words.def: made by make_words.py: transformers {transformers.__version__}, torch {torch.__version__}, f64. */")
    sizes = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40, max_position_embeddings=32)
    bert = BertConfig(vocab_size=len(WORDS), **sizes)
    gpt = GPT2Config(vocab_size=97, n_embd=24, n_layer=2, n_head=3, n_positions=16)

    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/vocab.txt", "w") as f:
            f.write("\n".join(WORDS) + "\n")
        tok = BertTokenizer(folder + "/vocab.txt")
    pipe = FillMaskPipeline(model=fill(BertForMaskedLM(bert)), tokenizer=tok)
    for line in ["the cat [MASK] on the mat.", "The [MASK] was [MASK] under a tree", "[MASK]"]:
        said = pipe(line, top_k=4)
        said = said if isinstance(said[0], list) else [said]
        for mask, words in enumerate(said):
            row("FILL", text(line), str(mask), text(" ".join(w["token_str"] for w in words)), numbers(w["score"] for w in words))

    model = fill(BertModel(bert))
    lines = ["the cat sat on the mat.", "a dog", "an old tree in the sun was new, the dog ran under the tree, the cats ran in the sun"]
    batch = tok(lines, padding=True, return_tensors="pt")
    with torch.no_grad():
        out = model(**batch)
    mask = batch["attention_mask"].unsqueeze(-1)
    mean = (out.last_hidden_state * mask).sum(1) / mask.sum(1)
    for i, line in enumerate(lines):
        row("EMBED", "bert", "MEAN", text(line), numbers(mean[i]))
        row("EMBED", "bert", "CLS", text(line), numbers(out.last_hidden_state[i, 0]))
        row("EMBED", "bert", "POOLER", text(line), numbers(out.pooler_output[i]))

    model = fill(GPT2Model(gpt))
    for ids in [[5], [1, 96, 2, 50, 3], list(range(16))]:
        with torch.no_grad():
            states = model(torch.tensor([ids])).last_hidden_state[0]
        name = text(" ".join(map(str, ids)))
        row("EMBED", "gpt2", "MEAN", name, numbers(states.mean(0)))
        row("EMBED", "gpt2", "LAST", name, numbers(states[-1]))

    model = fill(GPT2LMHeadModel(gpt))
    ids = [(7 * i * i + 3 * i + 1) % 97 for i in range(61)]
    for window, stride in [(16, 8), (16, 16), (16, 5), (16, 1), (9, 4)]:
        nll_sum, n_tokens, previous, scores = 0.0, 0, 0, []
        for begin in range(0, len(ids), stride):
            end = min(begin + window, len(ids))
            new = end - previous
            x = torch.tensor([ids[begin:end]])
            target = x.clone()
            target[:, :-new] = -100
            with torch.no_grad():
                out = model(x, labels=target)
            valid = (target != -100).sum().item()
            loss_tokens = valid - target.size(0)
            if loss_tokens > 0:
                nll_sum += out.loss.item() * loss_tokens
            n_tokens += loss_tokens
            logp = torch.log_softmax(out.logits[0], -1)
            for at in range(previous, end):
                scores.append(logp[at - begin - 1, ids[at]].item() if at > begin else float("nan"))
            previous = end
            if end == len(ids):
                break
        recipe = nll_sum / n_tokens if n_tokens > 0 else float("nan")
        row("SCORE", str(window), str(stride), text(" ".join(map(str, ids))), f"{recipe:.12g}" if n_tokens > 0 else "NAN", numbers(scores))


main()
