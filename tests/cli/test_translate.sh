# reckon translate: ids on a reference model where there is one; texts against SentencePiece's own programs where these are.
. tests/cli/check.sh

ends 2 reckon translate;                                     warns "DIR"
ends 3 reckon translate gpt2 x;                              warns "has no encoder"
ends 3 reckon translate opus-mt-en-de --ids 1;               warns "without weights"

models=
for place in "$source_folder/../shared" "$source_folder/../../shared"; do [ -d "$place/golden/models" ] && models=$place/golden/models; done
if [ -z "$models" ]; then skip "the reference models are not here"; finish; fi

ends 0 reckon translate "$models/marian" --ids '5,17,9,2;5,17' -m 6 -q; two=$(cat "$out")
ends 0 reckon translate "$models/marian" --ids 5,17,9,2 -m 6 -q; one=$(cat "$out")
is "a text in a batch" "$(echo "$two" | head -n 1)" "$one"
ends 0 reckon generate "$models/marian" --source-ids 5,17,9,2 -g -m 6 -q; is "what generate makes of it" "$(cat "$out")" "$one"
ends 0 reckon translate "$models/marian" --ids 5,17,9,2 --beams 3 -n 2 -m 6 --json; prints '"score"'; prints '"source": [5, 17, 9, 2]'
ends 0 reckon convert "$models/marian" int8;                 warns "34,088/34,088 numbers  100.0 %"     # not those of its constants
ends 2 reckon translate "$models/marian" --ids 5 -n 2;       warns "--alternatives"
ends 2 reckon translate "$models/marian" --ids 5 text;       warns "give one of"
ends 2 reckon translate "$models/marian" --ids 5 -g --beams 2;  warns "give one of them"
ends 2 reckon translate "$models/marian" --ids 5 --length-penalty 2; warns "is of beams"
ends 0 reckon translate "$models/marian" --ids 5,17,9,2 -g -m 6 -q; is "the likeliest, without beams" "$(cat "$out")" "$one"
ends 3 reckon translate "$models/marian" --ids "5,2;$(seq -s, 1 41)"; warns "prompt 2 of 2 has 41 tokens"; silent "$out"
ends 3 reckon translate "$models/marian" text;               warns "source.spm"

# A tokenizer for it, of 82 pieces and an id for each: the ids of a text are those of spm_encode.
if ! command -v spm_train >/dev/null || ! command -v python3 >/dev/null; then skip "no spm_train to compare with"; finish; fi
cp -r "$models/marian" mt && sed -n 's/[^a-zA-Z .]//g;1,400p' "$source_folder/CONTRIBUTING.md" >text
spm_train --input=text --model_prefix=m --vocab_size=70 --hard_vocab_limit=false >/dev/null 2>&1
cp m.model mt/source.spm && cp m.model mt/target.spm
python3 - <<'END'
import json
pieces = [line.split("\t")[0] for line in open("m.vocab", encoding="utf-8")]
order = ["</s>", "<unk>"] + [p for p in pieces if p not in ("</s>", "<unk>", "<s>")]
json.dump({p: i for i, p in enumerate(order[:82])} | {"<pad>": 82}, open("mt/vocab.json", "w"))
END
printf 'Where things go\n\nOne  program per file\n' >lines
ends 0 reckon translate mt -f lines -m 5 --json
spm_encode --model=m.model --output_format=piece <lines >pieces
python3 - "$out" <<'END' >same
import json, sys
ids = json.load(open("mt/vocab.json")); text = json.load(open(sys.argv[1]))
ours = [p["source"] for p in text["prompts"]]
theirs = [[ids.get(w, 1) for w in line.split()] + [0] for line in open("pieces", encoding="utf-8").read().split("\n")[:-1]]
print("same" if ours == theirs else f"{ours} is not {theirs}")
END
is "pieces of SentencePiece" "$(cat same)" same
ends 0 reckon translate mt -f lines -m 5 -q;                 is "a line for each" "$(wc -l <"$out" | tr -d ' ')" 3
finish
