# reckon train, from the outside: a model comes out, a run goes on where it ended, what is wrong is said.
. tests/cli/check.sh

cat "$source_folder/CONTRIBUTING.md" >text
reckon tok train text --vocab-size 300 --special '<|endoftext|>' --output tok --quiet >/dev/null
reckon tok encode --tokenizer tok text --output text.bin --quiet >/dev/null
sizes=cs336-17m:d_model=16,num_layers=1,num_heads=2,d_ff=24,context_length=16
train() { reckon train "$@" --tokenizer tok --model $sizes --batch 2 --threads 1 --warmup 2; }

# a run
ends 0 train text --steps 4 --output a
prints "what it will cost"; prints "vocab=300"; prints "bigram model on the same tokens"; prints "predicted"; prints "products per step"
warns "step 4: loss"; warns ", saved"
for file in config.json model.safetensors tokenizer.json step-000004/trainer.json step-000004/optimizer.safetensors step-000004/checksums.txt; do
    [ -s a/$file ] && pass || fail "no a/$file"
done
ends 0 train text.bin --steps 1 --quiet --receipt receipt.txt; silent "$err"
holds receipt.txt "resident memory"

# the same run, cut and resumed
ends 0 train text.bin --steps 6 --output whole --quiet --cycle 6
ends 0 train text.bin --steps 3 --output cut --quiet --cycle 6
ends 0 reckon train text.bin --resume --output cut --steps 6 --cycle 6 --threads 1; warns "resumed from cut/step-000003"
cmp -s whole/model.safetensors cut/model.safetensors && pass || fail "a run in two parts ends with other weights"
ends 0 reckon train text.bin --resume --output cut --threads 1; warns "resumed from cut/step-000006"
ends 1 reckon train text.bin --resume --output cut --steps 9 --seed 5 --threads 1; warns "another seed"
printf 'x' | dd of=cut/step-000006/model.safetensors bs=1 seek=2000 conv=notrunc 2>/dev/null
ends 0 reckon train text.bin --resume --output cut --threads 1; warns "is skipped"; warns "resumed from cut/step-000003"

# what few steps come to is said, or refused
ends 2 reckon train text.bin --resume --output cut --steps 2 --threads 1; warns "--steps 2: cut/step-000003 has made 3 already"
ends 0 reckon train text.bin --resume --output cut --threads 1; warns "all 3 steps are done: none is made"; is "resumed is said once" "$(grep -c "resumed from" "$err")" 1
if grep -q "expected time" "$out"; then fail "a time of no steps"; else pass; fi
ends 0 train text.bin --steps 0 --output none; warns "0 steps: none is made, and the model stays as it begins"; [ -s none/model.safetensors ] && pass || fail "no none/model.safetensors"
ends 0 reckon train text.bin --tokenizer tok --model $sizes --batch 2 --threads 1 --steps 2 --warmup 4 --lr 1e-3; warns "the warm-up of 4 steps is longer than the run: the learning rate ends at 0.0005"
ends 0 train text.bin --steps 2; if grep -q "warm-up" "$err"; then fail "a warm-up that fits"; else pass; fi
echo '{"loss-scale": 1024}' >scaled.json
ends 2 train text.bin --steps 2 --config scaled.json; warns "loss-scale is read with --policy amp-fp16; this is fp32, by scaled.json"
ends 0 train text.bin --steps 2 --config scaled.json --policy amp-bf16; warns "scaled.json: loss-scale is not read with --policy amp-bf16"

# other optimizers: cut and resumed, refused for another
for optimizer in sgd adafactor muon; do
    ends 0 train text.bin --steps 4 --optimizer $optimizer --output $optimizer-whole --quiet --cycle 4
    ends 0 train text.bin --steps 2 --optimizer $optimizer --output $optimizer-cut --quiet --cycle 4
    ends 0 reckon train text.bin --resume --output $optimizer-cut --steps 4 --cycle 4 --threads 1 --quiet
    cmp -s $optimizer-whole/model.safetensors $optimizer-cut/model.safetensors && pass || fail "a run of $optimizer in two parts ends with other weights"
    holds $optimizer-cut/step-000004/trainer.json "\"optimizer\": \"$optimizer\""
    ends 1 reckon train text.bin --resume --output $optimizer-cut --steps 6 --optimizer adamw --threads 1; warns "another optimizer"
done
ends 0 train text.bin --steps 1 --optimizer sgd --momentum 0;  prints "sequences by SGD"
ends 2 train text.bin --optimizer lion;                        warns "lion"

# for programs
ends 0 train text.bin --steps 2 --json --quiet
is "every line is an event" "$(grep -c '^{"event"' "$out")" "$(wc -l <"$out" | tr -d ' ')"
prints '"event": "begin"'; prints '"event": "step"'; prints '"learning_rate"'; prints '"event": "receipt"'; prints '"bigram_loss"'

# options from a file, and what a run wrote itself
printf '{"model": "%s", "tokenizer": "tok", "batch": 2, "steps": 1, "lr": 0.5}' $sizes >options.json
ends 0 reckon train text --config options.json --output b --quiet --threads 1
holds b/step-000001/trainer.json '"lr": 0.5'
ends 0 reckon train text.bin --config b/step-000001/trainer.json --quiet --threads 1
ends 0 reckon train text.bin --config b/step-000001 --steps 2 --quiet --threads 1
printf '{"model": "%s", "tokenizer": "tok", "steps": 0, "scale-steps": 7}' $sizes >scale.json
ends 2 reckon train text.bin --config scale.json;              warns "scale-steps is read with --policy amp-fp16; this is fp32, by scale.json"
ends 0 reckon train text.bin --config scale.json --policy amp-bf16 --quiet --threads 1
ends 2 train text.bin --steps 1 --scale-steps 7;               warns "--scale-steps is read with --policy amp-fp16; this is fp32"
ends 2 train text.bin --steps 1 --momentum 0.5;                warns "--momentum is read with --optimizer sgd, muon; this is adamw"
ends 2 train text.bin --steps 1 --optimizer sgd --eps 1e-8;    warns "--eps is read with --optimizer adamw, muon; this is sgd"
ends 2 train text.bin --steps 1 --schedule constant --min-lr 1e-5;  warns "--min-lr is read with --schedule linear, cosine, inverse-sqrt; this is constant"
printf '{"model": "%s", "tokenizer": "tok", "steps": 0, "clip-update": 7}' $sizes >update.json
ends 2 reckon train text.bin --config update.json;             warns "clip-update is read with --optimizer adafactor; this is adamw, by update.json"
ends 0 reckon train text.bin --config update.json --optimizer sgd --quiet --threads 1
ends 2 reckon train text.bin --tokenizer tok --model $sizes --batch 0;                            warns "within 1 and 1048576"
printf '{"rate": 1}' >wrong.json
ends 3 reckon train text --config wrong.json;                  warns "wrong.json: rate is no option"

# what is wrong
ends 2 reckon train;                                           warns "INPUT"
ends 2 reckon train text;                                      warns "texts need a --tokenizer"
ends 2 reckon train text --tokenizer tok;                      warns "--model is missing"
ends 2 reckon train text --resume;                             warns "--resume needs"
ends 2 train text --schedule up;                               warns "up"
ends 2 train text --seq 17;                                    warns "17 positions"
ends 2 train text.bin --lr 1e-5;                               warns "min-lr is 0.0001, above lr, which is 1e-05"; warns "a tenth of lr"
ends 0 train text.bin --lr 1e-5 --min-lr 0 --steps 1 --quiet
ends 2 train text --beta1 2;                                   warns "beta1"
ends 2 train text.bin text;                                    warns "one file of tokens"
ends 2 train text --end nothing;                               warns "no token"
ends 3 train nothing --steps 1;                                warns "nothing"
ends 3 reckon train text --tokenizer nothing --model $sizes;   warns "nothing"
ends 3 reckon train text.bin --tokenizer tok --model $sizes,vocab_size=100;  warns "knows 100 tokens"
ends 4 train text --steps 1 --memory 1000;                     warns "MiB may be used"; if grep -q "free" "$err"; then fail "--memory is not what is free"; else pass; fi
ends 4 train text --steps 1 --receipt nowhere/run.json;         warns "nowhere/run.json: cannot be written"; silent "$out"
ends 0 train text --steps 1 --output fresh --receipt fresh/run.json; [ -s fresh/run.json ] && pass || fail "a receipt in the folder that was made"
ends 4 train text --steps 1 --output text/x;                   warns "text"
printf '%03d' 7 >odd.bin
ends 3 train odd.bin;                                          warns "no whole number"

finish
