# reckon check, from the outside, on a reference model where there is one.
. tests/cli/check.sh

ends 2 reckon check;                            warns "MODEL"
ends 3 reckon check nowhere
ends 3 reckon check gpt2;                       warns "no weights"

models=
for place in "$source_folder/../shared" "$source_folder/../../shared"; do [ -d "$place/golden/models" ] && models=$place/golden/models; done
if [ -z "$models" ]; then skip "the reference models are not here"; finish; fi

ends 0 reckon check "$models/gpt2";             prints "every byte is explained"; prints "103,704"; silent "$err"
ends 0 reckon check "$models/gpt2/pytorch_model.bin"; prints "on the bytes of"; prints "every byte is explained"
ends 0 reckon check "$models/nanogpt-bias";     prints "nanoGPT, 17,800 parameters"; prints "left over"
ends 0 reckon check "$models/gpt2-bf16-sharded" --json; prints '"explained": true'; prints '"files": 53768'
ends 1 reckon check "$models/gpt2:n_layer=2";   prints "not of this model: 12"; prints "n_layer=3 would fit"; prints "do NOT agree"
ends 1 reckon check "$models/gpt2:n_layer=9";   prints "and 60 more: --all"; prints "n_layer=3 would fit"
ends 1 reckon check "$models/gpt2:n_layer=9" -a; prints "h.8.mlp.c_proj.bias"
ends 1 reckon check "$models/gpt2:vocab_size=90" --json; prints '"explained": false'; prints 'vocab_size=97 would fit'
finish
