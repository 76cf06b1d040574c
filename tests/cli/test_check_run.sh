# reckon train --receipt FILE.json and reckon count --check: a run held against what was predicted of it, as a gate.
. tests/cli/check.sh

cat "$source_folder/CONTRIBUTING.md" >text
reckon tok train text --vocab-size 300 --special '<|endoftext|>' --output tok --quiet >/dev/null
size=d_model=32,num_layers=2,num_heads=2,d_ff=48,context_length=32,vocab_size=300
train() { reckon train text --tokenizer tok --model cs336-17m:$size --warmup 0 --quiet --blas own "$@"; }

# bytes and FLOPs of a run are those of the bill, also where gradients are added up
for accumulate in 1 3; do
    ends 0 train --batch 4 --accumulate $accumulate --steps 3 --receipt run$accumulate.json
    holds run$accumulate.json '"schema": "reckon.receipt/1"'; holds run$accumulate.json '"entry": "bytes.resident"'; holds run$accumulate.json '"entry": "seconds.step"'
    ends 0 reckon count cs336-17m:$size --check run$accumulate.json; silent "$err"; prints "bytes.plan.arena"
    ends 0 reckon count cs336-17m:$size --check run$accumulate.json --tolerance 1%
done
ends 0 train --batch 2 --seq 16 --steps 2 --receipt short.json --json
prints '"event": "receipt"'; prints '"schema": "reckon.receipt/1"'
ends 0 reckon count cs336-17m:$size --check short.json --tolerance 0
ends 0 train --batch 2 --steps 2 --receipt text.txt;       holds text.txt "resident memory"

for optimizer in sgd adafactor muon "sgd --momentum 0"; do
    ends 0 train --batch 4 --steps 2 --optimizer $optimizer --receipt other.json
    ends 0 reckon count cs336-17m:$size --check other.json; silent "$err"
done
ends 2 reckon count cs336-17m:$size --check other.json --optimizer muon; warns "was taken by sgd"
sed 's/"optimizer": "sgd"/"optimizer": "lion"/' other.json >lion.json
ends 3 reckon count cs336-17m:$size --check lion.json;     warns "lion"

# under policies of dtypes too
for policy in amp-bf16 amp-fp16 mixed,head=f32 fp8; do
    ends 0 train --batch 2 --accumulate 2 --seq 8 --steps 2 --policy $policy --receipt policy.json --output under-$policy
    holds policy.json "\"policy\": \"$policy\""
    ends 0 reckon count cs336-17m:$size --check policy.json; silent "$err"
    is "a row of master copies under $policy" "$(grep -c bytes.plan.master "$out")" "$(case $policy in mixed*) echo 1 ;; *) echo 0 ;; esac)"
done
ends 2 reckon count cs336-17m:$size --check policy.json --policy mixed; warns "was under fp8"
ends 0 reckon train text --tokenizer tok --resume --output under-fp8 --steps 3 --quiet --blas own
ends 1 reckon train text --tokenizer tok --resume --output under-fp8 --steps 4 --policy amp-bf16 --blas own; warns "another policy"
ends 2 reckon train text --tokenizer tok --model cs336-17m:$size --policy amp-bf16 --loss-scale 4; warns "--loss-scale is read with --policy amp-fp16; this is amp-bf16"
ends 0 reckon train text --tokenizer tok --model cs336-17m:$size --batch 2 --seq 8 --steps 3 --policy amp-fp16 --loss-scale 1e12 --json --blas own
warns "step 1 is skipped"; prints '"skipped": true'

# what is more than predicted is named, by how much
change() { sed "/\"entry\": \"$1\"/,/\"measured\"/s/\"measured\": [^,]*/\"measured\": $2/" run1.json >"$3"; }
predicted=$(sed -n '/"entry": "bytes.plan.arena"/,/"measured"/s/.*"measured": \([0-9]*\).*/\1/p' run1.json)
change bytes.plan.arena $((predicted * 102 / 100)) more.json
ends 1 reckon count cs336-17m:$size --check more.json;     warns "bytes.plan.arena: the run used $((predicted * 102 / 100)) bytes, 2.0 % more than the $predicted predicted"
prints "too much"
ends 1 reckon count cs336-17m:$size --check more.json --tolerance 1%
ends 0 reckon count cs336-17m:$size --check more.json --tolerance 3%
ends 0 reckon count cs336-17m:$size --check more.json --tolerance 1% --tolerance bytes.plan.arena=0.05
ends 1 reckon count cs336-17m:$size --check more.json --json; prints '"held": false'; prints '"schema": "reckon.gate/1"'
change bytes.plan.arena 1 less.json
ends 0 reckon count cs336-17m:$size --check less.json
change flops.step 1e15 flops.json
ends 1 reckon count cs336-17m:$size --check flops.json --tolerance 10%; warns "flops.step: the run used 1e+15 FLOP"
change seconds.step 1e6 slow.json
ends 0 reckon count cs336-17m:$size --check slow.json;     prints "any"
ends 1 reckon count cs336-17m:$size --check slow.json --tolerance seconds.step=50%; warns "seconds.step"
change bytes.resident null unknown.json
ends 0 reckon count cs336-17m:$size --check unknown.json;  prints "unknown"
ends 3 reckon count cs336-17m:$size --check unknown.json --tolerance bytes.resident=1; warns "bytes.resident was not measured"
ends 1 reckon count gpt2 --check run1.json;                warns "gpt2 has 124,439,808"

# what is wrong
ends 2 reckon count cs336-17m:$size --check run1.json -b 5; warns "had 4"
ends 2 reckon count cs336-17m:$size --check run1.json -t 5; warns "had 32"
ends 2 reckon count gpt2 gpt2 --check run1.json;           warns "one MODEL"
ends 2 reckon count gpt2 --tolerance 1%;                   warns "--check FILE.json"
ends 2 reckon count gpt2 --check run1.json --tolerance much;  warns "1% or 0.01"
ends 2 reckon count gpt2 --check run1.json --tolerance -1%; warns "1% or 0.01"
ends 2 reckon count gpt2 --check run1.json --tolerance cats=1%; warns "no entry cats"
ends 3 reckon count gpt2 --check nothing.json;             warns "nothing.json"
printf '{"schema": "reckon.bill/1"}' >bill.json
ends 3 reckon count gpt2 --check bill.json;                warns "no receipt of a training run"; warns "--receipt"
change flops.step '"many"' word.json
ends 3 reckon count cs336-17m:$size --check word.json;     warns "measured"
change flops.step null none.json
ends 3 reckon count cs336-17m:$size --check none.json;     warns "flops.step was not measured"
sed 's/"entry": "flops.step"/"entry": "flops.other"/' run1.json >lacks.json
ends 3 reckon count cs336-17m:$size --check lacks.json;    warns "has no row flops.step"
head -n 20 run1.json >cut.json
ends 3 reckon count cs336-17m:$size --check cut.json;      warns "cut.json"
finish
