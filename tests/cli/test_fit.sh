# reckon fit: largest batch, longest context, the cheapest switches, the smallest machine; against published numbers.
. tests/cli/check.sh

# CS336, adamwAccounting (b), handout editions 2025 v1.0.6 and 2026 v26.0.3: memory = a · batch + b of the GPT-2 XL shape.
ends 0 reckon fit cs336-xl --memory 80GB --convention cs336 --logits inside
prints "memory = 15,311,900,672 · batch + 34,032,921,600 bytes"; prints "in 80 GB: 3; in 80 GiB: 3"
prints "3 sequences: 15.3 GB each, 34.0 GB fixed; one more needs 95.3 GB"; silent "$err"
ends 0 reckon fit cs336-xl --memory 80GB;                  prints "by cs336: "; prints "15,311,904,768 · batch"; prints "in 80 GB: 3"
ends 0 reckon fit cs336-xl --memory 80GB --logits keep;    prints "15,517,753,344 · batch"; prints "in 80 GB: 2; in 80 GiB: 3"
ends 0 reckon fit cs336-xl-2026 --memory 80GiB;            prints "16,167,542,784 · batch + 26,247,244,800"; prints "in 80 GB: 3; in 80 GiB: 3"
ends 0 reckon fit cs336-xl:ffn_type=silu --memory 80GB;    prints "+ 26,168,601,600"; prints "in 80 GB: 3"

# llm.c's log of GPT-2 on an A800: B 56 in use 21,315 of 81,100 MiB, 851 of them no tensors, at most 236 sequences.
ends 0 reckon fit gpt2:vocab_size=50304 --memory 81100MiB --reserve 851MiB --convention llmc --attention flash --recompute gelu
prints "236 sequences: 347.6 MB each"; prints "892,338,176 of them for others"
# llm.c PR 676, 350M at B 20 with -r 2: 12,042 MiB of activations, 631,386,112 bytes a sequence.
ends 0 reckon fit gpt2-medium:vocab_size=50304 -b 20 --device a100 --convention llmc --attention flash --json
prints '"bytes_each": 631386112'; prints '"bytes_fixed": 5677940736'

# one question, one command
ends 0 reckon fit pythia-2.8b --device h100 --tokens 300B --mfu 0.4
prints "yes, with policy amp-bf16, attention flash, recompute none"; prints "4 sequences: 6.8 GB each"; prints "days"; prints "156.9"; prints "the model itself has 2,048"
ends 0 reckon count pythia-2.8b --device h100 --rate bf16 --tokens 300e9 --mfu 0.4; prints "156.9"

# what was given is not searched
ends 0 reckon fit gpt2 --memory 24GB --policy amp-bf16 --attention flash; prints "yes, with policy amp-bf16, attention flash"
ends 0 reckon fit gpt2 --memory 24GB --recompute full;     prints "by megatron"
ends 0 reckon fit gpt2 --memory 24GB --policy mixed;       prints "by llmc"
ends 0 reckon fit gpt2 --memory 24GiB -b 64;               prints "8 micro-batches of 8 do"; prints "longest context of 64 sequences: 266 tokens"
ends 0 reckon fit pythia-6.9b --device a100 --dp 8;        prints "recompute none, ZeRO 3"
ends 0 reckon fit pythia-6.9b --device a100 --dp 8 --zero 2; prints "attention flash, recompute none, ZeRO 2"

# only ways that take less, for as many sequences as were asked for
ends 0 reckon fit opus-mt-en-de --device h100 -b 64;       prints "  amp-bf16  flash"
if grep -q "fp32  " "$out"; then fail "a way that takes more than a cheaper one"; else pass; fi
ends 0 reckon fit opus-mt-en-de --device h100;             prints "  fp32      flash"

# no
ends 1 reckon fit gpt-j-6b --device h100;                  prints "no, not even with"; prints "by megatron"; prints "none: 108.9 GB fixed, more than 80.0 GB"
ends 1 reckon fit cs336-xl --memory 40GB --convention cs336; prints "one sequence makes it 49.3 GB, more than 40.0 GB"
ends 1 reckon fit gpt3 -b 1;                               prints "no machine of the table"

# which machine
ends 0 reckon fit gpt2-xl -b 8;                            prints "the smallest: NVIDIA A100 SXM 80 GB, 67.6 GB of 80.0 GB"
ends 0 reckon fit gpt2 -b 4 -t 512;                        prints "the smallest: Google TPU v5e"

# the plan is what a training run is told it will take, to the byte
cat "$source_folder/CONTRIBUTING.md" >text
reckon tok train text --vocab-size 300 --special '<|endoftext|>' --output tok --quiet >/dev/null
sizes=cs336-17m:d_model=32,num_layers=2,num_heads=2,d_ff=48,context_length=32,vocab_size=300
for batch in 1 5; do
    ends 0 reckon train text --tokenizer tok --model $sizes --batch $batch --steps 1 --warmup 0 --blas own --quiet --json
    told=$(sed -n '/"event": "receipt"/s/.*"resident memory", "unit": "bytes", "predicted": \([0-9]*\).*/\1/p' "$out")
    ends 0 reckon fit $sizes --convention plan -b $batch --json
    is "bytes of a plan of $batch" "$(sed -n 's/.*"bytes_needed": \([0-9]*\).*/\1/p' "$out")" "$told"
    ends 0 reckon fit $sizes --convention plan --memory "$told" --json
    is "sequences in as many bytes" "$(sed -n 's/.*"batch": \([0-9]*\),.*/\1/p' "$out" | tail -n 1)" $batch
    reckon fit $sizes --convention plan --memory $((told - 1)) --json >"$out"
    is "sequences in a byte less" "$(sed -n 's/.*"batch": \([0-9]*\),.*/\1/p' "$out" | tail -n 1)" $((batch - 1))
done
ends 1 reckon fit $sizes --convention plan --memory 100k;  prints "none: "
ends 0 reckon fit gpt2:n_layer=2 --convention plan --memory 2GiB; prints "the model's own"

# several devices: days are those of all of them
ends 0 reckon fit pythia-6.9b --device a100 --dp 8 --tokens 300B; prints "on 8 at once"

# every preset has an answer, yes or no
for model in $(reckon list --json | sed -n 's/.*"name": "\([^"]*\)".*/\1/p'); do
    reckon fit "$model" --device h100 --dp 8 >"$out" 2>"$err" </dev/null; code=$?; last="fit $model"
    [ $code -le 1 ] && pass || fail "$last: exit code $code"
    prints "memory = "; silent "$err"
done

# what is wrong
ends 2 reckon fit;                                         warns "MODEL is missing"
ends 2 reckon fit gpt2 --memory 0;                         warns "hold no model"
ends 2 reckon fit gpt2 --memory 80;                        warns "80GB and 80GiB"
ends 2 reckon fit gpt2 --device 4090;                      warns "did you mean rtx4090?"
ends 2 reckon fit gpt2 --device a100 --tp 5;               warns "the 12 heads of gpt2"
ends 2 reckon fit gpt2 --device a100 --mfu 3;              warns "--mfu"
ends 0 reckon fit pythia-6.9b --device a100 --gpus 8;      prints "recompute none, ZeRO 3"
ends 2 reckon fit gpt2 --memory 1GB -b 0;                  warns "at least 1 sequence"
ends 2 reckon fit gpt2 --device h10;                       warns "h100"
ends 2 reckon fit gpt2 --memory 1GB --convention nobody;   warns 'no memory convention "nobody"'
ends 2 reckon fit gpt2 --memory 1GB --convention zero2;    warns "does not grow with the batch"
ends 2 reckon fit gpt2 --memory 1GB --convention llmc --policy fp32; warns "policy mixed"
ends 2 reckon fit gpt2 --memory 1GB --convention plan --recompute full; warns "as this program computes it"
ends 2 reckon fit gpt2 --memory 1GB --zero 1;              warns "--dp 2"
ends 2 reckon fit gpt2 -b 1 --tokens 300B;                 warns "need a machine"
ends 2 reckon fit cs336-xl --memory 80GB --convention eager; warns "says nothing of"
ends 3 reckon fit nosuch --memory 1GB;                     warns '"nosuch"'
ends 0 reckon count gpt2 --tokens 0.3B;                    prints "300.0 M"
finish
