# reckon diff: two models side by side, as a table and for a program.
. tests/cli/check.sh

ends 0 reckon diff gpt2 cs336-small
prints "layers.*.attn.{q,k,v}_proj"; prints "only right"; prints "silu(mlp.gate) · mlp.up"; prints "weight stored transposed, fused"
prints "190,460,160"; prints "1.5305"; prints "73,728"; prints "embed.weight"; prints "RMS norm(x, weight; eps 1e-05)"; silent "$err"
ends 0 reckon diff gpt2 gpt2:activation_function=gelu;     prints "different: computes gelu_tanh | gelu_erf"; prints "act"
ends 0 reckon diff gpt2 gpt2 --check;                      prints "1.0000"
ends 1 reckon diff gpt2 gpt2:n_layer=2 --check;            prints "repeated 12 | 2"
ends 0 reckon diff gpt2 gpt2-medium -b 2 -t 128;           prints "B 2, T 128"
ends 0 reckon diff gpt2 cs336-17m;                         prints "T 256"
ends 0 reckon diff gpt2 cs336-small --json
if command -v python3 >/dev/null; then
    python3 - "$out" <<'END_OF_CHECK' && pass || fail "diff --json"
import json, sys
x = json.load(open(sys.argv[1]))
rows = {r["role"]: r for r in x["modules"]}
assert rows["embed"]["verdict"] == "same" and rows["position"]["verdict"] == "only left"
assert sum(r["left_parameters"] for r in x["modules"]) == 124439808 and sum(r["right_parameters"] for r in x["modules"]) == 190460160
assert {"name": "bytes.cache_per_token", "left": 73728, "right": 73728} in x["costs"]
assert {"name": "hidden", "left": "768", "right": "768", "same": True} in x["fields"]
END_OF_CHECK
fi

# by what a machine would do: 989.4e12 · 0.5 · 1024 / 874,944,921,600 and 3.35e12 / (248,879,616 + 1024 · 36,864) of GPT-2
ends 0 reckon diff gpt2 gpt2-xl --device h100 --dtype bf16 --mfu 0.5; prints "578,977"; prints "11,688"; prints "50.0 % of 989.4 TFLOP/s"
ends 0 reckon diff gpt2 bert-base-cased --peak 1e12 --json; prints '"tokens_per_second.training"'
if grep -q decoding "$out"; then fail "decoding without a bandwidth"; else pass; fi
ends 2 reckon diff gpt2 gpt2 --device h100 --mfu 2;        warns "--mfu"
ends 2 reckon diff gpt2 gpt2 --device nothing;             warns "no device"

# what each side costs is what count says of it, to the last digit, whichever side it stands on
if command -v python3 >/dev/null; then
    RECKON_COMMAND=$reckon_command python3 - <<'END_OF_CHECK' && pass || fail "costs of diff and count"
import json, os, subprocess
def told(*words): return json.loads(subprocess.run([os.environ["RECKON_COMMAND"], *words, "--json", "-b", "2", "-t", "64", "--dtype", "bf16"], check=True, capture_output=True).stdout)
def number(bill, name):
    for part in name.split("."): bill = bill.get(part, {})
    return bill or 0
for left, right in (("gpt2", "pythia-70m"), ("bert-tiny", "opus-mt-en-de"), ("cs336-17m", "transformer-base"), ("annotated-copy", "bert-tiny+pretraining")):
    bill, seen = (told("count", left), told("count", right)), (told("diff", left, right), told("diff", right, left))
    assert len(seen[0]["costs"]) >= 8 and [c["name"] for c in seen[0]["costs"]] == [c["name"] for c in seen[1]["costs"]]
    for side, (one, other) in enumerate((("left", "right"), ("right", "left"))):
        for c in seen[side]["costs"]: assert c[one] == number(bill[0], c["name"]) and c[other] == number(bill[1], c["name"]), (left, right, c)
END_OF_CHECK
fi

# as PyTorch prints modules
ends 0 reckon diff gpt2 nanogpt --style torch;             prints "Conv1D(nf=2304, nx=768)"; prints "Linear(in_features=768, out_features=2304, bias=False)"
ends 0 reckon diff gpt2 cs336-small --style torch;         prints "3 × Linear(d_out=768, d_in=768)"
ends 0 reckon diff gpt2 nanogpt --style torch --json;      prints '"left_torch": "Embedding(50257, 768)"'

# a folder on either side
mkdir own && printf '{"n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "n_positions": 1024}' >own/config.json
ends 0 reckon diff own gpt2 --check
ends 0 reckon diff gpt2 own/config.json --check
ends 2 reckon diff gpt2;                                   warns "MODEL is missing"
ends 3 reckon diff gpt2 nosuch;                            warns '"nosuch"'
ends 2 reckon diff gpt2 cs336-small -t 1025;               warns "1025"
finish
