# Policies of dtypes from the outside: priced, swept, fitted, and refused where they are none. docs/policies.md has every one.
. tests/cli/check.sh

size=gpt2:n_layer=2,n_embd=32,n_head=2,vocab_size=50,n_positions=16
ends 0 reckon count $size --policy amp-bf16;          prints "policy amp-bf16: products in bf16"; prints "bytes read and written"
ends 0 reckon count $size --policy mixed;             prints "master weights"
ends 0 reckon count $size --policy amp-bf16,head=f32 --why traffic.forward; prints "cast bf16"
ends 0 reckon count $size --policy fp8 --plan;        prints "bytes that this program allocates"
ends 0 reckon count $size --policy attn=f32,mlp=bf16 --mode decode
ends 0 reckon count $size --policy fp32,mlp=bf16;     prints "policy fp32,mlp=bf16: everything in f32; but mlp=bf16"
ends 0 reckon count $size --policy fp8 --roofline --device h100; prints " in fp8"; prints "f8e4m3"; prints "others, less than 1 %"
ends 0 reckon count $size --policy amp-fp16 --json;   prints '"policy": "amp-fp16"'
ends 0 reckon sweep $size --over policy=fp32,amp-bf16,mixed,fp8 --over optimizer=adamw,sgd --show bytes.state,traffic.forward --csv
is "rows" "$(grep -c . "$out")" 9
ends 0 reckon fit $size --memory 1GB --policy fp8;    prints "by plan"; prints "with policy fp8"
ends 0 reckon fit $size --memory 1GB --optimizer adafactor; prints "by eager"
ends 0 reckon fit cs336-17m:d_model=32,num_layers=1,num_heads=2,d_ff=48 --memory 1GB --optimizer muon; prints "by plan"
ends 2 reckon fit cs336-17m --memory 1GB --optimizer muon --convention cs336; warns "states of AdamW"

# What the program allocates is the sum of its parts, with those that few programs have.
parts() {
    ends 0 reckon sweep $1 --over batch=2 --csv --show "bytes.plan.parameters,bytes.plan.gradients,bytes.plan.optimizer,bytes.plan.arena,bytes.plan.inputs,$2,bytes.plan.total"
    is "the parts of a plan with $2" "$(tail -n 1 "$out" | awk -F , '{ for (i = 2; i < NF; i++) sum += $i; print sum - $NF }')" 0
}
parts "$size --policy mixed" bytes.plan.master
parts transformer-base:d_model=32,nhead=2,dim_feedforward=64,num_encoder_layers=1,num_decoder_layers=1 bytes.plan.constants
ends 0 reckon count $size --policy mixed --html mixed.html; holds mixed.html "<title>master weights"

ends 2 reckon count $size --policy amp-bf17;          warns 'no policy "amp-bf17"'; warns "amp-fp16"
ends 2 reckon count $size --policy mlp=i8;            warns 'no dtype "i8"'
ends 2 reckon count $size --policy atn=f32;           warns '"atn"'; warns " attn "
ends 2 reckon count $size --policy mlp=f32,amp-bf16;  warns "stands first"
ends 2 reckon count $size --policy amp-bf16 --dtype bf16; warns "leave one of them out"
ends 3 reckon count $size --policy fp8 --memory eager; warns "knows the policies"
ends 2 reckon sweep $size --over optimizer=adam;      warns 'no optimizer "adam"'
ends 2 reckon train nothing.bin --policy amp-bf17;    warns 'no policy "amp-bf17"'

for word in $(sed -n 's/^ROW([a-z0-9_]*, *"\([^"]*\)".*/\1/p' "$source_folder/include/reckon/policy.def"); do
    grep -q "^| \`$word\` |" "$source_folder/docs/policies.md" && pass || fail "docs/policies.md has no $word"
done
finish
