# reckon convert: another dtype, what it cost, and the result used like the model it came from.
. tests/cli/check.sh

cat "$source_folder/CONTRIBUTING.md" >text
ends 0 reckon tok train text --vocab-size 300 --special '<|endoftext|>' --output tok --quiet
size=d_model=64,num_layers=1,num_heads=1,d_ff=64,context_length=32,vocab_size=300
ends 0 reckon train text --tokenizer tok --model cs336-17m:$size --batch 2 --steps 30 --lr 3e-3 --warmup 0 --blas own --quiet --output model

ends 0 reckon convert model int8 --text text --tokens 30;  prints "int8: 8 of 12 tensors as int8, relative error at most 0.0"; prints "29 predictions: perplexity"
reckon generate model --ids 1,2,3 --greedy -m 4 --quiet >expected 2>/dev/null
ends 0 reckon generate int8 --ids 1,2,3 --greedy -m 4 --quiet
# nothing of which blocks could be made: told, not passed off as integers; perplexities are those of score
ends 0 reckon train text --tokenizer tok --model gpt2:n_embd=12,n_inner=20,n_layer=1,n_head=2,n_positions=16,vocab_size=300 --batch 2 --steps 1 --blas own --quiet --output narrow
ends 0 reckon convert narrow out;                         prints "out: 0 of 16 tensors as int8: no matrix has rows of a multiple of 8 numbers"
ends 0 reckon convert model out --dtype bf16 --text text --tokens 20000
before=$(sed -n 's/.*perplexity \([0-9.]*\) before.*/\1/p' "$out")
ends 0 reckon score model text --json;                    prints "\"perplexity\": $(echo "$before" | cut -c1-5)"
ends 0 reckon convert int8 back --dtype f32 --json;       prints '"from": "i8"'
ends 0 reckon convert model f16 --dtype f16 --quiet
ends 0 reckon generate f16 --ids 1,2,3 --greedy -m 4 --quiet;  cmp -s "$out" expected && pass || fail "f16 says something else"
ends 0 reckon convert model same --dtype f32 --quiet
ends 0 reckon generate same --ids 1,2,3 --greedy -m 4 --quiet; cmp -s "$out" expected && pass || fail "f32 says something else"
[ "$(wc -c <int8/model.safetensors)" -lt "$(wc -c <f16/model.safetensors)" ] && pass || fail "int8 is no smaller than f16"

head -c 400 text >short
# packed: as large but for padding and names, the same words and numbers, every byte explained, and back to the byte
ends 0 reckon convert int8 packed --layout packed;        prints "matrices in panels"
ends 0 reckon convert packed unpacked --quiet;            cmp -s unpacked/model.safetensors int8/model.safetensors && pass || fail "unpacked is not what was packed"
ends 0 reckon convert model direct --layout packed --json; prints '"layout": "packed"'; prints '"packed": true'
cmp -s direct/model.safetensors packed/model.safetensors && pass || fail "packed at once is not packed later"
for how in "generate DIR --ids 1,2,3;4,5;6 --greedy -m 9" "generate DIR --ids 1,2,3 --beams 4 -m 5" "generate DIR --ids 1,2,3;4 --batch-invariant --greedy -m 4" "score DIR short --window 16 --tokens"; do
    reckon $(echo "$how" | sed 's/DIR/int8/') --quiet 2>/dev/null | sed 's/int8/packed/' >expected
    ends 0 reckon $(echo "$how" | sed 's/DIR/packed/') --quiet;  cmp -s "$out" expected && pass || fail "panels say something else: $how"
done
ends 0 reckon check packed;                               prints "every byte is explained"
sed 's/int8_panels/int8_penals/' packed/model.safetensors >unpacked/model.safetensors
ends 1 reckon check unpacked;                             prints "metadata does not say int8_panels"
ends 3 reckon generate unpacked --ids 1;                  warns "metadata does not say int8_panels"
# f32: the same words, and back to the byte
ends 0 reckon convert model floats --dtype f32 --layout packed; prints "matrices in panels"; prints "relative error at most 0"
ends 0 reckon convert floats unpacked --dtype f32 --quiet;      cmp -s unpacked/model.safetensors same/model.safetensors && pass || fail "unpacked floats are not what was packed"
reckon generate same --ids 1,2,3 --greedy -m 4 --quiet >expected 2>/dev/null
ends 0 reckon generate floats --ids 1,2,3 --greedy -m 4 --quiet; cmp -s "$out" expected && pass || fail "panels of floats say something else"
ends 0 reckon check floats;                                     prints "every byte is explained"
head -c 9000 packed/model.safetensors >unpacked/model.safetensors
ends 3 reckon generate unpacked --ids 1;                  warns "unpacked/model.safetensors"
for dtype in f16 bf16; do ends 3 reckon convert model out --dtype $dtype --layout packed; warns "have no packed layout"; done

# within a percent
ends 0 reckon convert model int8 --text text --tokens 32 --json
if command -v python3 >/dev/null; then
    python3 -c 'import json, sys; t = json.load(sys.stdin)["text"]; assert abs(t["perplexity_after"] / t["perplexity_before"] - 1) < 0.01 and 0 <= t["kl"] < 0.01, t' <"$out" && pass || fail "int8 foretells worse"
fi

# in the place of what it is made from: refused, since nobody could make that again
cp -R model ./gpt2-xl; sum=$(cksum <gpt2-xl/model.safetensors)
ends 2 reckon convert gpt2-xl ./gpt2-xl/.;       warns "would be lost"
is "the weights" "$(cksum <gpt2-xl/model.safetensors)" "$sum"
# a folder called like a preset: whoever wants weights means the folder
ends 0 reckon check gpt2-xl;                     prints "CS336 language model"
ends 0 reckon generate gpt2-xl text -m 1 -q;     silent "$err"
ends 0 reckon count gpt2-xl;                     prints "gpt2-xl: GPT-2"
ends 3 reckon verify gpt2-xl;                    warns "./gpt2-xl/io.safetensors"
: >nothing; ends 3 reckon generate gpt2-xl -f nothing; warns "there is no prompt in nothing"

# what a file asks for and nobody here does is no mistake of whoever typed its name
cp -R model strange; sed -i 's/"model_type": "cs336"/"model_type": "llama"/' strange/config.json
ends 3 reckon generate strange text;             warns "no family that is known here"

ends 3 reckon convert gpt2 out;                  warns "without weights"
ends 2 reckon convert model out --dtype f64;     warns "f64"
# a text that cannot be compared is told before anything is converted
ends 2 reckon convert model never --text text --tokens 1; warns "--tokens"
ends 2 reckon convert model never --text nothing;         warns "two tokens"
ends 3 reckon convert model never --text nowhere;         warns "nowhere"
ends 3 reckon convert model never --text text -k nowhere; warns "nowhere"
reckon tok train text --vocab-size 400 --output larger --quiet >/dev/null
ends 3 reckon convert model never --text text -k larger;  warns "the model has 300"; warns "belongs to another model"
if command -v python3 >/dev/null; then
    python3 "$source_folder/tests/cli/make_bert.py" mlm
    ends 3 reckon convert mlm never --text text;          warns "gives no probability of a text"
fi
# a folder does not become a mix of two models: what nothing would replace is named, and stays
mkdir mixed && echo old >mixed/vocab.txt
ends 2 reckon convert model mixed;                warns "mixed/vocab.txt is of another model"; warns "remove it"
is "files of a folder that was refused" "$(ls mixed)" vocab.txt
rm mixed/vocab.txt; ends 0 reckon convert model mixed -q; ends 0 reckon convert model mixed -q
if [ -e never ]; then fail "it converted first"; else pass; fi
finish
