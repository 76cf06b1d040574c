# reckon list, show, count: a model described, priced, and every wrong description answered.
. tests/cli/check.sh

# list
ends 0 reckon list;             prints "gpt2-xl"; prints "1,557,611,200"; prints "cs336-17m"; silent "$err"
ends 0 reckon list --json;      prints '"parameters": 124439808'; prints '"family": "cs336"'
if command -v python3 >/dev/null; then
    python3 -c 'import json, sys; x = [p["parameters"] for p in json.load(sys.stdin)["rows"]]; assert x == sorted(x) and len(x) > 10' <"$out" && pass || fail "list by size"
fi
ends 0 reckon list dtypes;      prints "65504"; prints "9,223,372,036,854,775,807"; prints "448"; prints "NVIDIA V100, 2017"
ends 0 reckon list dtypes --json; prints '"largest": 9223372036854775807'; prints '"epsilon": 0.0078125'; prints '"smallest_subnormal": 5e-324'
ends 0 reckon list families;    prints "CS336 language model"
ends 0 reckon list fields gpt2; prints "n_embd | hidden_size"; prints "4*hidden"
ends 0 reckon list fields cs336-17m; prints "rope_theta"
ends 0 reckon list ops;         prints "einsum"; prints "fused"
ends 0 reckon list functions;   prints "gelu_tanh"; prints "22"
ends 2 reckon list dtype;       warns "did you mean dtypes?"
ends 2 reckon list fields;      warns "MODEL is missing"
ends 2 reckon list ops gpt2;    warns "one argument too many"
ends 3 reckon list fields nosuch; warns '"nosuch"'

# count
ends 0 reckon count gpt2;       prints "124,439,808"; prints "V·D + P·D + L·(12·D² + 13·D) + 2·D"; prints "291,648,307,200"; prints "583,296,614,400"
prints "854,438,400"; prints "73,728"; silent "$err"
ends 0 reckon count gpt2 -b 2 -t 512; prints "B 2, T 512"
: >empty.json
ends 3 reckon count empty.json; warns "the file is empty, expected JSON"
ends 4 reckon count gpt2 --html nowhere/x.html; warns "cannot be written: No such file"; warns "the folder it lies in has to be there"
ends 2 reckon fit gpt2 --memory llmc; warns "llmc is a word of --convention"
ends 0 reckon count gpt2 gpt2-xl; prints "gpt2-xl"; prints "1,557,611,200"; prints "124,439,808"
ends 0 reckon count gpt2 --why parameters; prints "h.*.mlp.up"; prints "2,359,296"; prints "4·D²"
ends 0 reckon count gpt2 --why parameters --json; prints '"number": 124439808'; prints '"module": "h.*.mlp.up"'
ends 0 reckon count gpt2:n_layer=1 --plan; prints "bytes that this program allocates"
ends 0 reckon count gpt2 --dtype bf16; prints "248,879,616"
ends 0 reckon count gpt2:n_layer=1 cs336-17m --json -t 32
if command -v python3 >/dev/null; then
    python3 - "$out" <<'END' && pass || fail "count --json of two models"
import json, sys
a, b = json.load(open(sys.argv[1]))
assert a["model"] == "gpt2:n_layer=1" and b["family"] == "cs336" and b["seq"] == 32 and b["parameters"] == 22696448
for x in a, b:
    assert x["flops"]["backward"] == 2 * x["flops"]["forward"] and x["bytes"]["parameters"] == 4 * x["parameters"]
    assert x["flops"]["elementwise"]["forward"] > 0 and x["flops"]["elementwise"]["backward"] > 0
    assert x["bytes"]["gradients"] == 4 * x["parameters"] and x["bytes"]["optimizer"] == 8 * x["parameters"]
    assert x["bytes"]["plan"]["activations"] > 0
END
fi
ends 2 reckon count
ends 2 reckon count gpt2 --why nonsense;  warns 'no entry "nonsense"'; warns "flops.forward"
ends 2 reckon count gpt2 -b 0;            warns "--batch"
ends 2 reckon count gpt2 --dtype i8
ends 2 reckon count gpt2 -t 1025;         warns "1025 positions"; warns "shorter sequences"
ends 2 reckon count gpt2 --formula '3*';  warns "a number, a letter"
ends 3 reckon count nosuch;               warns '"nosuch" is neither'; warns "gpt2-medium"
ends 2 reckon count gpt2:n_layer=0;       warns "from 1 to 4096"
ends 2 reckon show gpt2:n_head=x;         warns "expected an integer"
ends 2 reckon count gpt2:n_head=7;        warns "n_embd 768 is no multiple of n_head 7"
ends 2 reckon count gpt2:heads=7;         warns 'no field "heads"'
ends 2 reckon count a b c d e f g h i;    warns "at most 8"

# files
printf '{"n_embd": 24, "n_layer": 2, "n_head": 3, "vocab_size": 97, "n_positions": 40}' >config.json
ends 0 reckon count config.json;          prints "D 24"
ends 0 reckon count .;                    prints "D 24"
ends 0 reckon count .:n_embd=48;          prints "D 48, L 2, H 3, F 192"
mkdir twice && printf '{"n_embd": "24"}' >twice/config.json
ends 3 reckon count twice;                warns "twice/config.json: n_embd: expected an integer"
printf '{"n_embd": 24, "n_layer": 2, "n_head": 5, "vocab_size": 97, "n_positions": 40}' >twice/config.json
ends 3 reckon count twice;                warns "n_embd 24 is no multiple of n_head 5"            # the file's mistake
ends 2 reckon count .:n_head=5;           warns "n_embd 24 is no multiple of n_head 5"            # and that of whoever typed it
printf '{"n_embd": 24, "mystery": 1, "n_layer": 2}' >twice/config.json
reckon count twice >"$out" 2>"$err"; last="mystery"; warns "mystery"; warns "would it change the mathematics"
printf '{' >twice/config.json
ends 3 reckon count twice;                warns "twice/config.json"
: >twice/config.json
ends 3 reckon count twice;                warns "twice/config.json"
mkdir empty
ends 3 reckon show empty;                 warns "no config.json"
mkdir -p cached/snapshots/0
ends 3 reckon show cached;                warns "there is no config.json in this folder"; warns "name the folder below cached/snapshots"
printf 'x' >empty/model.safetensors
ends 3 reckon show empty/model.safetensors; warns "no config.json beside"

# show
ends 0 reckon show gpt2;                  prints "h.* (12 ×)"; prints "b t d, f d -> b t f"; prints "38,597,376"
ends 0 reckon show cs336-17m --json;      prints '"path": "h.*.mlp.gate"'
prints '"buffers": [{"module": "h.*.attn", "name": "rotary", "dtype": "float32", "shape": [2, 256, 16]}]'
ends 0 reckon show gpt2 --dtype f16;      prints "weight: embed.weight, [vocab hidden]  50,257 × 768, a tie"; prints "73.62 MiB"
ends 0 reckon show gpt-j-6b --dtype f16;  prints "16,777,216   32.00 MiB    7.76 %"; prints "67,108,864  128.00 MiB   31.05 %"
prints "positions: float32 2,048 × 64, a buffer in PyTorch"; prints "b t d, f d -> b t f:  274,877,906,944 FLOPs = 8·B·T·D²"
ends 0 reckon show gpt2 --style torch;    prints "      (0-11): 12 x GPT2Block("; prints "(c_attn): Conv1D(nf=2304, nx=768)"; silent "$err"
is "first line" "$(head -1 "$out")" "GPT2LMHeadModel("
ends 0 reckon show gpt2:activation_function=gelu_fast --style torch; prints "(act): FastGELUActivation()"
ends 0 reckon show gpt2 --style tensors;  is "last line" "$(tail -1 "$out")" "$(printf 'lm_head.weight\ttie=transformer.wte.weight\t50257x768\tfloat32')"
ends 0 reckon show gpt2 --style tensors --dtype bf16 --json; prints '"name": "transformer.h.11.mlp.c_proj.bias", "kind": "parameter", "role": "h.11.mlp.down.bias"'
prints '"shape": [768], "dtype": "bfloat16", "bytes": 1536}'
ends 0 reckon show bert-base-cased+pretraining --style torch; prints "(seq_relationship): Linear(in_features=768, out_features=2, bias=True)"
ends 0 reckon show gpt2+model --style tensors; is "first name" "$(head -1 "$out" | cut -f 1)" "wte.weight"
ends 0 reckon show opus-mt-en-de;         prints "262,144    1.00 MiB  constant"; prints "weight: embed.weight, [vocab hidden]  58,101 × 512, a tie"
if grep -q "buffer in PyTorch" "$out"; then fail "what is kept here is said to be computed"; else pass; fi
ends 3 reckon show transformer-base --style torch; warns "no class"
ends 2 reckon show gpt2 --style torch --json;  warns "--style tensors"
ends 2 reckon show gpt2 --style torch --dtype f16; warns "--dtype"
ends 2 reckon show gpt2 --style tensors -t 5;  warns "--seq"
ends 2 reckon show gpt2 --style keras
ends 3 reckon show gpt2:bias=false --style torch; warns "no class"
ends 2 reckon show
ends 2 reckon show gpt2 gpt2-xl
finish
