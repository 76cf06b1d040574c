# reckon sweep: ranges over sizes; every row is what count says of that one model.
. tests/cli/check.sh

ends 0 reckon sweep gpt2:layer=2 --over seq=512..2Ki
prints "flops.forward"; prints " 512  "; prints "2048 *"; prints "longer than the model's own context"; silent "$err"
ends 0 reckon sweep gpt2 --over hidden=96..192:96 --show ff,parameters --exact
prints "along with it: ff"; prints "768"; prints "15,184,704"
ends 0 reckon sweep gpt2:layer=1 --over act=relu,gelu_new --show act,parameters; prints "gelu_tanh"

ends 0 reckon sweep gpt2 --over layer=1,12 --csv --show parameters,bytes.cache_per_token
is "CSV" "$(cat "$out")" "layer,parameters,bytes.cache_per_token
1,46473216,6144
12,124439808,73728"

ends 0 reckon sweep gpt2:layer=2 --over batch=1..2 --over seq=64,128 --json --show flops.forward,flops.backward,flops.training,bytes.cache,bytes.cache_per_token,bytes.state
cp "$out" sweep.json
for batch in 1 2; do for seq in 64 128; do reckon count gpt2:layer=2 -b $batch -t $seq --json >count-$batch-$seq.json || fail "count $batch $seq"; done; done
if command -v python3 >/dev/null; then
    python3 - <<'END_OF_CHECK' && pass || fail "sweep equals count"
import json
rows = json.load(open("sweep.json"))["rows"]
assert [(r["batch"], r["seq"]) for r in rows] == [(1, 64), (1, 128), (2, 64), (2, 128)]
for r in rows:
    one = json.load(open(f"count-{r['batch']}-{r['seq']}.json"))
    assert r["flops.forward"] == one["flops"]["forward"] and r["flops.backward"] == one["flops"]["backward"]
    assert r["flops.training"] == one["flops"]["forward"] + one["flops"]["backward"]
    assert r["bytes.cache"] == r["batch"] * r["seq"] * one["bytes"]["cache_per_token"]
    assert r["bytes.state"] == one["bytes"]["parameters"] + one["bytes"]["gradients"] + one["bytes"]["optimizer"]
END_OF_CHECK
fi

ends 0 reckon sweep gpt2:layer=2 --over seq=64,128 --show bytes.eager.total,flops.convention.palm --csv; prints "seq,bytes.eager.total,flops.convention.palm"
reckon count gpt2:layer=2 -t 128 --memory eager --json >count.json || fail "count --memory eager"
if command -v python3 >/dev/null; then
    python3 - "$out" <<'END_OF_CHECK' && pass || fail "conventions in a sweep"
import json, sys
row = open(sys.argv[1]).read().split()[2].split(",")
assert int(row[1]) == json.load(open("count.json"))["bytes"]["eager"]["total"] and int(row[2]) > 0
END_OF_CHECK
fi
ends 0 reckon sweep gpt2:layer=2 --over seq=64,128 --mode decode; prints "bytes.cache"
ends 2 reckon sweep gpt2 --over layer=1 --mode eval --show flops.backward; warns 'no entry "flops.backward"'
ends 2 reckon sweep gpt2;                                 warns "--over is missing"
ends 2 reckon sweep gpt2 --over seq;                      warns "NAME=VALUES expected"
ends 2 reckon sweep gpt2 --over seq=4..2;                 warns "4 is more than 2"
ends 2 reckon sweep gpt2 --over seq=0;                    warns "above 0 expected"
ends 2 reckon sweep gpt2 --over batch=many;               warns "above 0 expected"
ends 2 reckon sweep gpt2 --over dtype=f33;                warns 'no dtype "f33"'
ends 2 reckon sweep gpt2 --over layer=1 --over layer=2;   warns "layer twice"
ends 2 reckon sweep gpt2 --over seq=1..4Ki:1 --over batch=1..2; warns "more than 4096 points"
ends 2 reckon sweep gpt2 --over layer=1 --csv --json;     warns "not both"
ends 2 reckon sweep gpt2 --over layer=1 --show nonsense;  warns 'no entry "nonsense"'
reckon sweep gpt2 --over hidden=100 >"$out" 2>"$err"; last="hidden=100"; warns "gpt2:hidden=100: n_embd 100 is no multiple of n_head 12"
reckon sweep gpt2 --over width=100 >"$out" 2>"$err"; last="width=100"; warns 'no field "width"'
finish
