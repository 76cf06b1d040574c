"""The table of peers_gpu.py, from its records: ratios of like with like, shares of what the device was measured to do."""
import time

from peers import MODELS
from peers_gpu_models import flops_of_token

PROMISED = 989e12  # dense bf16 of an H100's data sheet: what utilisation is told against on every device


def gib(x):
    return "%.1f" % (x / (1 << 30)) if x else ""


def table_of_model(name, records):
    c, mine = MODELS[name], [r for r in records if r.get("model") == name and not r["label"].endswith("-profile")]
    best = next((r.get("tokens_per_second") for r in mine if r["label"] == "reckon"), None)
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
                   100 * work / PROMISED, gib(r.get("memory")), float("nan") if r.get("loss") is None else r["loss"], "" if ours or not best else "**%.2f**" % (best / rate)))
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
        out.append("| %s | %s | %d | %.3f | %.1f %% | %.0f | %.2f |" % (x["op"], x["kernel"], x["calls"], 1e3 * x["seconds"] / max(1, r.get("steps", 1)), 100 * x["seconds"] / (p["seconds"] or 1),
                                                                 x["product_flops"] / s * 1e-12, x["bytes"] / s * 1e-12))
    return out


def ceilings(records):
    return next((r for r in records if r["job"] == "machine/torch" and r.get("read_bytes")), {})


def report(o, records):
    top, ours = ceilings(records), next((r for r in records if r["job"] == "machine/reckon" and r.get("read_bytes")), {})
    out = ["# Training and decoding on a GPU, %s" % time.strftime("%Y-%m-%d %H:%M"), "",
           "%s; torch %s, cuDNN %s, transformers %s; reckon at %s. In one run, one after the other (bench/peers_gpu.py); llm.c with the same cuBLAS and cuDNN. Median of the second half of the"
           " steps; ours is amp-bf16 where nothing else is said; TF/s by llm.c's count for everybody (6 N + 6 L C T a token), beside 989 TF/s of an H100's data sheet; memory as the driver tells it."
           % (o.card, top.get("torch", "?"), top.get("cudnn", "?"), top.get("transformers", "?"), o.commit)]
    for who, r in (("PyTorch", top), ("reckon bench", ours)):
        if r:
            out += ["", "Ceilings by %s: %s." % (who, ", ".join("%s %.4g" % (k.replace("_", " "), r[k]) for k in ("bf16_flops", "f16_flops", "gemm_flops", "read_bytes", "copy_bytes") if r.get(k)))]
    for name in MODELS:
        out += table_of_model(name, records)
    return out + table_of_decoding(records) + table_of_operations(records)
