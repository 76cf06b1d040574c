# reckon verify and reckon generate, from the outside, on a reference model where there is one.
. tests/cli/check.sh

ends 2 reckon verify;                           warns "DIR"
ends 3 reckon verify nowhere
ends 2 reckon verify nowhere --device abacus
ends 2 reckon verify nowhere --loosen 0;        warns "--loosen"
ends 2 reckon generate;                         warns "DIR"
ends 3 reckon generate nowhere x
ends 3 reckon generate gpt2 --ids 1;            warns "without weights"
ends 2 reckon generate gpt2 --ids 1,x;          warns 'no id at "x"'
ends 2 reckon generate gpt2 --ids 1 --max-new-tokens 0; warns "--max-new-tokens"
ends 2 reckon generate gpt2 --ids 1 --samples 0; warns "--samples"
ends 2 reckon generate gpt2 --ids 1 --stop x;   warns "needs a tokenizer"
ends 2 reckon generate gpt2 text;               warns "gpt2 is a preset, which has sizes and no weights"; warns "name the folder"
ends 2 reckon generate gpt2 text --ids 1;       warns "give one of"

models=
for place in "$source_folder/../shared" "$source_folder/../../shared"; do [ -d "$place/golden/models" ] && models=$place/golden/models; done
if [ -z "$models" ]; then skip "the reference models are not here"; finish; fi

# a model that is the same, and the same with other expectations
ends 0 reckon verify "$models/gpt2" --threads 1;             prints "the same model: 101 tensors checked"; prints "beam3never.scores"; prints "grad.* (40)"; is "a load is told once" "$(grep -c "40 tensors used" "$err")" 1
ends 0 reckon verify "$models/gpt2" --all;                   prints "grad.transformer.h.2.attn.c_attn.weight"
ends 0 reckon verify "$models/cs336-odd" --json;             prints '"same": true'; prints '"verdict": "same"'
ends 1 reckon verify "$models/gpt2" --loosen 1e-6;           prints "NOT the same model"; prints BEYOND
ends 3 reckon verify "$models/gpt2" "$models/cs336/io.safetensors"
ends 3 reckon verify "$models/gpt2" nothing;                 warns "nothing"
ends 3 reckon verify "$models/gpt2" "$models/gpt2/model.safetensors"; warns "input_ids"

# a wrong head is noticed
mkdir other && cp "$models/gpt2/model.safetensors" "$models/gpt2/io.safetensors" other
sed 's/"layer_norm_epsilon": 1e-05/"layer_norm_epsilon": 1e-03/' "$models/gpt2/config.json" >other/config.json
ends 1 reckon verify other;                                  prints "NOT the same model"

# ids in, ids out
ends 0 reckon generate "$models/gpt2" --ids 1,2,3 -g -m 5 -q; silent "$err"; first=$(cat "$out")
is "five ids" "$(wc -w <"$out" | tr -d ' ')" 5
ends 0 reckon generate "$models/gpt2" --ids '1 2 3' -t 0 -m 5 -q --device ref; is "greedy on ref" "$(cat "$out")" "$first"
ends 0 reckon generate "$models/gpt2" --ids 1,2,3 -m 5 --seed 4 -n 2 -q; sampled=$(cat "$out")
ends 0 reckon generate "$models/gpt2" --ids 1,2,3 -m 5 --seed 4 -n 2 -q --threads 1; is "the same seed" "$(cat "$out")" "$sampled"
ends 0 reckon generate "$models/gpt2" --ids 1,2,3 --greedy --max-new-tokens 5 --json; prints '"prompt": [1, 2, 3]'; prints '"stop": "length"'
if command -v python3 >/dev/null; then
    ends 0 reckon generate "$models/gpt2" --ids '1,2,3;4,5' -n 2 -m 5 --json
    python3 -c 'import json, sys; x = json.load(sys.stdin); assert x["tokens"] == 20 and abs(x["tokens_per_second"] * x["seconds"] - 16) < 1e-6' <"$out" && pass || fail "tokens a second"
fi
ends 0 reckon generate "$models/marian" --source-ids 5,17,9,2 -g -m 6 -q; translated=$(cat "$out")
ends 0 reckon generate "$models/marian" --source-ids 5,17,9,2 --ids 82 -g -m 6 -q; is "the start token is the model's" "$(cat "$out")" "$translated"
ends 0 reckon generate "$models/marian" --source-ids 5,17,9,2 -g -m 6 -q --device ref; is "a source on ref" "$(cat "$out")" "$translated"
# many prompts, beams, and what the folder says
ends 0 reckon generate "$models/gpt2" --ids '1,2,3;4,5;1,2,3' -g -m 5 -q; is "a prompt among others" "$(sed -n 1p "$out")/$(sed -n 5p "$out")" "$first/$first"
ends 0 reckon generate "$models/gpt2" --ids '1,2,3;4,5' -g -m 5 -q --batch-invariant --batch 1; is "one by one" "$(sed -n 1p "$out")" "$first"
ends 0 reckon generate "$models/gpt2" --ids 1,2,3 --beams 3 -n 2 -m 4 --json; prints '"score"'
ends 2 reckon generate "$models/gpt2" --ids 1 --beams 3 -t 2;    warns "it does not draw"
ends 2 reckon generate "$models/gpt2" --ids '1;;2';              warns "list 2 is empty"
ends 2 reckon generate "$models/gpt2" --ids 1 --beams 2 -n 3;    warns "best 3 of 2 beams"
# what contradicts itself is refused, never half obeyed
ends 2 reckon generate "$models/gpt2" --ids 1 --beams 2 -g;      warns "give one of them"
ends 2 reckon generate "$models/gpt2" --ids 1 -g --top-k 3;      warns "it does not draw"
ends 2 reckon generate "$models/gpt2" --ids 1 -g -n 2;           warns "the likeliest tokens are one text"
ends 2 reckon generate "$models/gpt2" --ids 1 -t 0 -n 2;         warns "the likeliest tokens are one text"
ends 2 reckon generate "$models/gpt2" --ids 1 --length-penalty 2; warns "--length-penalty is of beams"
ends 2 reckon generate "$models/gpt2" --ids 1 -g --early-stopping true; warns "--early-stopping is of beams"
ends 2 reckon generate "$models/gpt2" --ids 1 --repetition-penalty 0; warns "above 0"
ends 0 reckon generate "$models/gpt2" --ids 1,2,3 -g -t 0 --beams 1 -m 5 -q; is "greedy said thrice" "$(cat "$out")" "$first"
cp -r "$models/gpt2" told && echo '{"max_new_tokens": 4, "num_beams": 3, "no_repeat_ngram_size": 2, "transformers_version": "5", "mine": 1}' >told/generation_config.json
ends 0 reckon generate told --ids 1,2,3;                         warns "passed over, since nobody here knows them: mine"; beamed=$(cat "$out")
ends 0 reckon generate "$models/gpt2" --ids 1,2,3 --beams 3 --no-repeat 2 -m 4 -q; is "what the folder says" "$beamed" "$(cat "$out")"
ends 0 reckon generate "$models/gpt2" --ids 1,2,3 --no-repeat 2 -m 5 -g -q; greedy=$(cat "$out")
ends 0 reckon generate told --ids 1,2,3 -m 5 -g -q;          is "greedy over the folder's beams" "$(cat "$out")" "$greedy"
ends 0 reckon generate told --ids 1,2,3 -m 5 -t 0 -q;        is "cold over the folder's beams" "$(cat "$out")" "$greedy"
ends 0 reckon generate told --ids 1,2,3 -m 5 -g -q --plain;      is "leaving it aside" "$(cat "$out")" "$first"
echo '{"typical_p": 0.5}' >told/generation_config.json
ends 3 reckon generate told --ids 1,2,3;                         warns "typical_p"; warns "not done here"
ends 0 reckon generate "$models/gpt2" --ids 1,2,3 -m 1 -g;       warns "1 token (length), the first after"
# the bill of a session beside what it took: every row that is no residual to the byte
for what in "generate $models/gpt2 --ids 1,2,3;4,5,6 -m 5" "generate $models/gpt2 --ids 1,2,3 -n 3 -m 4" "translate $models/marian --ids 5,17,9,2 -m 6"; do
    ends 0 reckon $what --receipt; warns "resident memory"; warns "the process itself"
    is "rows that are off: $what" "$(grep -E '^(weights|keys|activations|inputs)' "$err" | grep -cv '+0$')" 0
done
ends 0 reckon generate "$models/gpt2" --ids 1,2,3 -m 5 --receipt --json -q; prints '"bytes.plan.arena"'; silent "$err"
ends 2 reckon generate "$models/marian" --ids 1;                 warns "give it something to read by --source-ids"
ends 2 reckon generate "$models/marian" --source-ids 1,x;        warns '--source-ids: no id at "x"'
ends 2 reckon generate "$models/marian" --source-ids 1,83;       warns "the model has 83"
ends 2 reckon generate "$models/gpt2" --source-ids 1 --ids 1;    warns "GPT-2 has no encoder"
ends 3 reckon generate "$models/bert-mlm" --ids 1;               warns "does not continue a text"
ends 0 reckon verify "$models/bert-pretraining+pretraining";     prints "nsp"; prints "pooled"
ends 0 reckon generate "$models/gpt2" --ids 1,2,3 -m 100;    warns "(context)"; warns "tokens/s"
ends 2 reckon generate "$models/gpt2" --ids 1,97;            warns "the prompt: token 1 has the id 97; the model has 97"
ends 2 reckon generate "$models/gpt2" --ids '1,2;97' --batch 1; warns "prompt 2 of 2: token 0 has the id 97"; silent "$out"
ends 2 reckon generate "$models/gpt2" --ids 1 --top-p 2;     warns "top_p"; if grep -q "tensors used" "$err"; then fail "it read the weights first"; else pass; fi
ids=$(seq -s, 1 41)
ends 3 reckon generate "$models/gpt2" --ids "$ids";          warns "the prompt has 41 tokens; the context of this model is 40"
ends 3 reckon generate "$models/gpt2" --ids "1,2;$ids" --batch 1; warns "prompt 2 of 2 has 41 tokens"; silent "$out"

ends 3 reckon generate "$models/gpt2" -k nowhere x
finish
