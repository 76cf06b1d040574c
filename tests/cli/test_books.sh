# reckon count beside other people's books: FLOPs and memory by convention, machines, days, letters; and every wrong question.
. tests/cli/check.sh

# modes
ends 0 reckon count gpt2 --mode prefill;  prints "291,648,307,200"; silent "$err"
ends 0 reckon count gpt2 --mode decode -t 100; prints "looks at 100 positions"; prints "B 1, T 1"; prints "250,750,464"; prints "7,372,800"
ends 0 reckon count gpt2 --mode eval --json; prints '"mode": "eval"'
ends 2 reckon count gpt2 --mode decode --plan; warns "--mode train"
# by hand: of a block's four matrices, a·D x D each, Newton and Schulz take 5·(4·a + 2)·D³, a = 3, 1, 4, 4
ends 0 reckon count gpt2 --optimizer muon; prints "a step ends with Muon"; prints "655,779,840"
ends 0 reckon count gpt2 --optimizer muon --why flops.update; prints "2·V·D + 2·P·D + L·(280·D³ + 48·D² + 26·D) + 4·D"; prints "hidden hidden_copy"
ends 0 reckon count gpt2 --optimizer adafactor --why bytes.optimizer; prints "1,286,468 = 4·(V + P + 29·L·D + 4·D)"; prints "row.h.*.mlp.up"
ends 0 reckon count gpt2 --optimizer sgd --json; prints '"optimizer": "sgd"'; prints '497759232'
ends 2 reckon count gpt2 --mode eval --optimizer sgd; warns "--mode train"
ends 2 reckon count gpt2 --mode learn;    warns "train|eval|prefill|decode"

# FLOPs by convention
ends 0 reckon count gpt2;                 prints "causal"; prints "859,885,056"
ends 0 reckon count gpt2 --conventions;   prints "megatron_full"; prints "1,062,056,448"; prints "72·B·T·L·D²"
ends 0 reckon count gpt2 --why flops.convention.palm; prints "B·T·(6·N + 12·L·H·K·T)"; prints "Chowdhery et al. 2022"; prints "124,439,808  parameters"
ends 0 reckon count gpt2:vocab_size=50304 --tokens-per-second 191500 --device a100 --rate bf16
prints "49.3 %"; prints "52.5 %"; prints "86.9 % of the bf16 peak"
ends 0 reckon count gpt2 --tokens-per-second 191500; prints "no utilisation without a peak"
ends 0 reckon count gpt2 --tokens-per-second 383000 --peak 312e12 --dp 2; prints "52.4 %"
ends 2 reckon count gpt2 --tokens-per-second 0 --peak 1e12; warns "above 0"

# memory by convention
ends 0 reckon count gpt2 -b 2 --memory eager --traced; prints "3,746,611,204"; prints "L·a·w·B·T·F"
ends 0 reckon count gpt2 -b 2 --memory eager --policy amp-bf16 --attention flash --traced; prints "1,852,614,148"
ends 0 reckon count gpt2 -b 2 --memory eager --activation gelu_pytorch_tanh; prints "2,840,641,540"
ends 0 reckon count gpt2 -b 2 --why bytes.eager.total --traced; prints "probabilities"; prints "3,746,611,204"
ends 0 reckon count cs336-xl --memory cs336 --device-memory 80GB; prints "15,311,904,768 · batch + 34,032,921,600 bytes; 3 sequences"
ends 0 reckon count cs336-xl --memory cs336 --device-memory 80GB --logits keep; prints "15,517,753,344"; prints "2 sequences"
ends 0 reckon count cs336-xl --memory cs336 --device-memory 20GB; prints "the states alone are more than"
ends 0 reckon count gpt2:vocab_size=50304 -b 56 --memory llmc --attention flash --recompute gelu --device-memory 81100Mi; prints "21,458,067,456"
ends 0 reckon count gpt2-xl --memory zero0,zero1,zero2,zero3 --dp 64; prints "zero3"
ends 0 reckon count gpt2:vocab_size=50304 --memory llmc --switches --device-memory 40GB
prints "eager"; prints "718,221,312"; prints "347,615,232"; prints "109"; prints "2.2 %"
ends 0 reckon count gpt2-xl --memory megatron,eager --switches; prints "31.8 %"
ends 2 reckon count gpt2 --switches; warns "--memory llmc"
ends 0 reckon count gpt2 --memory all;    prints "megatron_states"; prints "kv: "
ends 2 reckon count gpt2 --memory nothing; warns 'no convention "nothing"'; warns "megatron"
reckon count cs336-17m --memory eager >"$out" 2>"$err"; last="eager of cs336"; warns "says nothing of it"; warns "it speaks of: gpt2"
reckon count gpt2 --memory eager --recompute full >"$out" 2>"$err"; last="eager recomputed"; warns "without recomputation"
ends 2 reckon count gpt2 --tp 1e18 --pp 1e18; warns "more devices"
# devices altogether are shared by ranks, and a model by them, evenly or not at all
ends 0 reckon count pythia-6.9b --memory zero3 --gpus 64; prints "1,714,325,504"
ends 0 reckon count pythia-6.9b --memory zero3 --dp 64;   prints "1,714,325,504"
ends 0 reckon count pythia-6.9b --memory zero3 --gpus 64 --tp 8; prints "13,714,604,032"
ends 2 reckon count gpt2 --gpus 64 --dp 8;   warns "--gpus: 64 devices"; silent "$out"
ends 2 reckon count gpt2 --gpus 7 --tp 2;    warns "no multiple"
ends 2 reckon count gpt2 --tp 7;             warns "the 12 heads of gpt2 cannot be shared evenly by 7 ranks"; silent "$out"
ends 2 reckon count opus-mt-en-de --tp 3;    warns "the 8 heads"
ends 2 reckon count gpt2 --pp 5;             warns "the 12 blocks"
ends 2 reckon count gpt2 --pp 4 --interleave 2; warns "8 pieces"
ends 2 reckon count gpt2 --mfu 1.2;          warns "--mfu"; silent "$out"
ends 2 reckon count gpt2 --mfu 1.2 --tokens 1B --device h100; warns "--mfu"; silent "$out"
# tokens a second: 8 · 989.4e12 · 0.4 / 10,273,437,000 FLOPs each
ends 0 reckon count gpt2-xl --device h100 --gpus 8 --tokens 40B --policy amp-bf16; prints "tokens a second        308,178"
ends 3 reckon count gtp2;                    warns "did you mean gpt2"
ends 3 reckon count ptyhia-1b;               warns "did you mean pythia-1b?"
ends 2 reckon count gpt2:n_heads=6;          warns "did you mean n_head?"
ends 2 reckon count gpt2:layers=6;           warns "did you mean layer?"
ends 2 reckon count gpt2 --tp 0;          warns "--tp: at least 1"
reckon count gpt2 --memory cs336 --edition 2020 >"$out" 2>"$err"; last="edition 2020"; warns "2024, 2025 and 2026"

ends 0 reckon count opus-mt-en-de -b 4 -t 128 --source-seq 96 --memory eager --traced; prints "360,802,308"
ends 0 reckon count gpt2+model --conventions; prints "without_logits"; if grep -q "causal_half" "$out"; then fail "causal counts of a model without a head"; else pass; fi

# machines, days
ends 0 reckon list devices;               prints "NVIDIA H200 SXM"; prints "2614.9"
ends 0 reckon list devices --json;        prints '"name": "tpu-v5p"'; prints '"source"'
ends 0 reckon count cs336-xl -b 1024 --steps 400k --device a100 --mfu 0.5 --price 2; prints "6583.6"; prints "316010."; prints "EU AI Act"
ends 0 reckon count gpt2 --tokens 300e9;  prints "No days without a machine"
ends 0 reckon count gpt2 --tokens 300e9 --flops palm --peak 1e15 --gpus 8; prints "2.58e+20"; prints "on 8 at once"
ends 0 reckon count gpt2 --roofline --device h100 --dtype bf16; prints "in balance at 295.3"; prints "h.*.mlp.up"
ends 0 reckon count gpt2 --roofline --peak 1e12 --bandwidth 1TB --mode decode; prints "together at least"
ends 2 reckon count gpt2 --device h10;    warns "h100"; warns "--peak"
ends 2 reckon count gpt2 --device tpu-v4; warns "no rate of tpu-v4 in f32"
ends 2 reckon count gpt2 --device a100 --dtype f64; warns "--peak"
ends 2 reckon count gpt2 --roofline;      warns "needs a machine"
ends 2 reckon count gpt2 --tokens 1e9 --steps 5; warns "give one"
ends 2 reckon count gpt2 --tokens 1e9 --mfu 2; warns "--mfu"
ends 2 reckon count gpt2 --tokens 1e9 --flops nonsense; warns 'no convention "nonsense"'

for rule in llmc llm.c cs336 megatron six_n; do         # some names are of memory, too
    ends 0 reckon count gpt2 --tokens 1e9 --flops $rule --json
    is "FLOPs of a training by $rule" "$(sed -n 's/^ *"flops": \([0-9]*\),*$/\1/p' "$out" | cut -c 1-3)" "$(case $rule in l*) echo 803 ;; s*) echo 746 ;; *) echo 854 ;; esac)"
done
ends 2 reckon count gpt2 --tokens 1e9 --flops eager; warns 'no convention "eager"'
ends 0 reckon count gpt2 --why flops.convention.llmc; prints "822,540,238,848"
ends 0 reckon sweep gpt2 --over seq=512,1Ki --show flops.convention.llmc,bytes.llmc.fch --csv; prints "1024,822540238848,75497472"

# memory by name, ours among them
ends 0 reckon count gpt2:n_layer=2 --memory plan,llm.c; prints "step and update, in turn"; prints "fch_gelu"
ends 2 reckon count gpt2 --memory nobody --json; warns 'no convention "nobody"'
ends 3 reckon count cs336-17m --memory eager --json; warns "says nothing of it"
ends 2 reckon count gpt2 --memory plan --mode decode; warns "--plan is of a training"

# why of what this program does
ends 0 reckon count gpt2:n_layer=2 --why bytes.plan.total; prints "parameters + gradients + optimizer + arena + inputs"; prints "plan arena"
ends 0 reckon count gpt2:n_layer=2 --why bytes.plan.activations; prints "at the fullest step"; prints "kept going forward"
ends 0 reckon count gpt2:n_layer=2 --why flops.plan.step;  prints "h.*.attn.qkv"; prints "xent_head"
ends 0 reckon count gpt2 --why bytes.cache_per_token;      prints "cache k"; prints "36,864  4·D"

# formulas and letters
ends 0 reckon count gpt2 --formula "12·L·D² + 13*L*D"; prints "85,054,464"
ends 0 reckon count gpt2 --formula "T/3"; prints "1,024 / 3 = 341.3333333333333"
ends 0 reckon count gpt2 --formula "N" --json; prints '"number": 124439808'
reckon count gpt2 --formula "2·r" >"$out" 2>"$err"; last="2·r"; warns "r has no value here"
reckon count gpt2 --formula "2 +" >"$out" 2>"$err"; last="2 +"; warns "byte 3"
ends 0 reckon count gpt2 --letters L=positions,N=layers,W=parameters; prints "V·D + L·D + N·(12·D² + 13·D) + 2·D"; prints "6·W·B·T"; prints "N 12"
ends 0 reckon count gpt2 --letters L=positions,N=layers; prints "V·D + L·D + N·(12·D² + 13·D) + 2·D"; prints "6·parameters·B·T"; prints "L 1,024"; prints "N 12"
ends 0 reckon count gpt2 --letters L=positions; prints "V·D + L·D + layers·(12·D² + 13·D) +"; prints "layers 12"
ends 2 reckon count gpt2 --letters layers=positions,L=tokens; warns "layers would stand for two things"; warns "W=layers"
ends 2 reckon count gpt2 --letters L=positions,L=layers; warns "L stands there twice"
ends 2 reckon count gpt2 --letters L=cats; warns 'nothing here is called "cats"'
ends 2 reckon count gpt2 --letters 7;     warns "is not LETTER=WORD"

# several
ends 0 reckon count gpt2 gpt2-medium gpt2-xl:n_positions=16384; prints "by part"; prints "61.81 %"
ends 0 reckon count gpt2 cs336-xl --conventions; prints "CS336"
ends 0 reckon count gpt2 --parts;         prints "27.10 %"

# a sweep
ends 0 reckon sweep gpt2:layer=2 --over seq=512,1Ki --show flops.convention.bill,bytes.eager.total --csv; prints "1024,343442718720,489025540"
reckon sweep cs336-17m --over seq=128 --show bytes.eager.total >"$out" 2>"$err"; last="sweep of eager"; warns "says nothing of it"

# JSON
ends 0 reckon count gpt2 -b 2 --json --device a100 --rate bf16 --tokens-per-second 1e5 --steps 10 --traced --roofline
if command -v python3 >/dev/null; then
    python3 - "$out" <<'END' && pass || fail "count --json with conventions"
import json, sys
x = json.load(open(sys.argv[1]))
c = x["flops"]["convention"]
assert c["bill"] == x["flops"]["forward"] + x["flops"]["backward"] == c["full"] and c["macs"] * 2 == c["bill"]
e = dict(x["bytes"]["eager"])
total = e.pop("total")
assert total == sum(e.values()) == 3746611204
assert x["formulas"]["bytes.eager.probabilities"] == "L·4·B·H·T²"
assert abs(x["mfu"]["palm"] - c["palm"] / 2048 * 1e5 / 312e12) < 1e-12
assert x["training"]["flops"] == 10 * c["bill"] and x["training"]["days"] > 0
r = x["roofline"]["forward"]
assert abs(sum(m["seconds"] for m in r["modules"]) - r["seconds"]) < 1e-9 and all(m["computing"] <= m["seconds"] for m in r["modules"])
assert sum(m["flops"] for m in r["modules"]) == x["flops"]["forward"] + x["flops"]["elementwise"]["forward"]
assert sum(m["bytes"] for m in r["modules"]) == 4 * (x["elements"]["read"]["forward"] + x["elements"]["written"]["forward"])
assert x["machine"]["bytes"] == 80000000000 and x["fits"]["eager"]["batch"] > 10
END
fi

# Parts of a number: by where modules stand in the model, in whichever order the number has them.
ends 0 reckon count gpt2 --why flops.backward; prints "head        158,094,852,096"
ends 0 reckon count gpt2 --why flops.elementwise.update; prints "embedding     590,757,120"
ends 0 reckon count annotated-transformer --why parameters; prints "head                 3,274,992     6.0 %"; prints "encoder                  1,024  0.0019 %"
finish
