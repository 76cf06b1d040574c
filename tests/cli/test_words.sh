# reckon fill, embed and score, --profile, and what a load says, from the outside: on a tiny BERT made here and a tiny model trained here.
. tests/cli/check.sh
export RECKON_BLAS=own
command -v python3 >/dev/null || { echo "no python3 to make a model with"; exit 77; }
python3 "$source_folder/tests/cli/make_bert.py" mlm
printf 'the cat sat on the mat.\na dog ran under a tree.\n\nthe cat sat in the sun.\n' >lines

# words for masks
ends 0 reckon fill mlm 'The capital of France is [MASK].' --blas own -q; silent "$err"
is "five words" "$(wc -l <"$out" | tr -d ' ')" 5
first=$(cat "$out")
ends 0 reckon fill mlm --ids 2,7,22,21,24,20,4,5,3 --blas own; pass
ends 0 reckon fill mlm 'The [MASK] of [MASK]' 'a [MASK]' -n 2; prints "mask 2, token 4"; prints "a [MASK]"
printf 'The capital of France is [MASK].\n' >one
reckon fill mlm - --blas own <one >piped 2>"$err"; is "from standard input" "$(cat piped)" "$first"
printf 'The capital of France is [MASK].\r\n' | reckon fill mlm - --blas own >piped 2>"$err"; is "a line ends in a carriage return, too" "$(cat piped)" "$first"
ends 0 reckon fill mlm 'a [MASK]' --json -n 1 --profile; prints '"schema": "reckon.fill/1"'; prints '"used": 46'; prints '"profile": {'
ends 2 reckon fill mlm 'no mask here';                  warns "there is no [MASK]"
ends 3 reckon fill mlm -;                               warns "there is no text in the input"
ends 2 reckon fill mlm;                                 warns "give a TEXT"
ends 2 reckon fill mlm 'a [MASK]' --ids 1;              warns "give a TEXT, or --ids"
ends 2 reckon fill mlm --ids '2,4;5,3' --mask 4;          warns 'one list, and "5,3" is another'
ends 2 reckon fill mlm 'a [MASK]' -n 0;                 warns "--top"
ends 2 reckon fill mlm 'a [MASK]' -n 99;                warns "99 likeliest of"
ends 2 reckon fill mlm 'a [MASK]' --mask '<mask>';      warns '"<mask>"'
ends 2 reckon fill mlm --ids 2,99,4;                    warns "the model has 27"
ends 3 reckon fill nowhere 'a [MASK]'
ends 3 reckon fill bert-base-uncased --ids 5 --mask 5;   warns "without weights"

# a vocabulary smaller than the head gives no word that it has not; one that is larger has ids that the model refuses
mkdir small large && cp mlm/config.json mlm/model.safetensors small && cp mlm/config.json mlm/model.safetensors large
head -9 mlm/vocab.txt >small/vocab.txt
(cat mlm/vocab.txt; echo zebra) >large/vocab.txt
ends 0 reckon fill small 'the [MASK]' -n 9;              is "nine words" "$(wc -l <"$out" | tr -d ' ')" 9
ends 2 reckon fill small 'the [MASK]' -n 10;             warns "10 likeliest of 9"
ends 0 reckon fill large 'the [MASK]'
ends 3 reckon fill large 'zebra [MASK]';                 warns "the text: token 1 has the id 27; the model has 27"; warns "belongs to another model"
ends 3 reckon embed large 'a cat' 'zebra' --blas own;      warns "line 2: token 1 has the id 27"

# vectors
ends 0 reckon embed mlm 'a cat' 'a dog' 'the sun' --blas own;    prints "1.000"; is "three rows" "$(wc -l <"$out" | tr -d ' ')" 3
ends 0 reckon embed mlm --file lines -o v.npy;          prints "1.000"; warns "v.npy: 3 vectors of 16 numbers"
ends 0 reckon embed mlm -f lines -p cls -o v.safetensors --quiet; silent "$err"
python3 - <<'END2' && pass || fail "v.npy"
import json, struct
npy = open("v.npy", "rb").read()
assert npy[:6] == b"\x93NUMPY" and b"'shape': (3, 16)" in npy and len(npy) % 64 == 0
st = open("v.safetensors", "rb").read()
n = struct.unpack("<Q", st[:8])[0]
assert json.loads(st[8:8 + n])["embeddings"]["shape"] == [3, 16]
END2
ends 0 reckon embed mlm 'a cat' --json -p pooler --normalize
python3 - "$out" <<'END2' && pass || fail "a vector of length 1"
import json, sys
x = json.load(open(sys.argv[1]))
assert x["width"] == 16 and abs(sum(v * v for v in x["vectors"][0]["vector"]) - 1) < 1e-6
END2
ends 0 reckon embed mlm 'a cat';                        is "numbers of one line" "$(wc -w <"$out" | tr -d ' ')" 16
long=$(yes cat | head -30 | tr '\n' ' ')
ends 3 reckon embed mlm "$long";                        warns "the context of the model is 24"; warns "--truncate"
ends 0 reckon embed mlm "$long" --truncate
ends 2 reckon embed mlm;                                warns "there is no text"
ends 2 reckon embed mlm 'a' -o v.txt;                   warns ".npy or .safetensors"
ends 2 reckon embed mlm 'a' --ids 1;                    warns "give texts, or --ids"

# how likely a text is
cat "$source_folder/README.md" >text
reckon tok train text --vocab-size 300 --special '<|endoftext|>' --output tok --quiet >/dev/null
size=d_model=32,num_layers=1,num_heads=2,d_ff=48,context_length=16,vocab_size=300
ends 0 reckon train text --tokenizer tok --model cs336-17m:$size --batch 2 --steps 2 --warmup 0 --blas own --quiet --output model
head -c 300 text >part
ends 0 reckon score model part --blas own;               prints "bits/byte"; prints "part"
ends 0 reckon score model part --tokens --begin '<|endoftext|>' --stride 1; prints "log p"
ends 0 reckon score model part --json --profile -s 4
python3 - "$out" part <<'END2' && pass || fail "sums"
import json, math, sys
x = json.load(open(sys.argv[1]))
t = x["texts"][0]
assert t["scored"] == t["tokens"] - 1 and x["stride"] == 4 and x["window"] == 16
assert abs(math.exp(-t["log_probability"] / t["scored"]) / t["perplexity"] - 1) < 1e-12
assert abs(-t["log_probability"] / math.log(2) / t["bytes"] / t["bits_per_byte"] - 1) < 1e-12
assert x["profile"]["calls"] == sum(r["calls"] for r in x["profile"]["ops"]) == sum(r["calls"] for r in x["profile"]["modules"])
END2
printf '{"text": "it counts"}\n{"text": "and it reckons"}\n' >objects.jsonl
printf '"it counts"\n' >strings.jsonl
ends 0 reckon score model objects.jsonl --jsonl --field text; prints "line 2"; prints "all"
ends 0 reckon score model strings.jsonl --jsonl;         prints "line 1"
ends 3 reckon score model objects.jsonl --jsonl;         warns "objects.jsonl"
mkdir folder; cp part folder/first; cp part folder/second
ends 0 reckon score model folder --json;                 prints '"name": "folder/first"'; prints '"name": "folder/second"'
ends 0 reckon score model --ids 1,2,3
reckon generate model --ids 1,2 -m 3 --json --blas own >both 2>&1; last="generate --json 2>&1"
tail -n 1 both >"$out"; prints "tokens/s"                                                                   # behind the JSON, not within it
ends 3 reckon score model part nowhere;                    warns "nowhere"; silent "$out"                  # not behind half of a result
ends 3 reckon score model part nowhere --json;             warns "nowhere"; silent "$out"
reckon tok train text --vocab-size 400 --output more --quiet >/dev/null
ends 3 reckon score model part --tokenizer more;         warns "part: token "; warns "belongs to another model"; silent "$out"
ends 2 reckon score model --ids 999999;                 warns "token 0 has the id 999999"           # though nothing of one token is scored
ends 2 reckon score model;                               warns "give a FILE"
ends 2 reckon score model part --ids 1;                  warns "give a FILE, or --ids"
ends 2 reckon score model part --window 17;              warns "--window: 2 to 16"
ends 2 reckon score model part --stride 17;              warns "--stride"
ends 2 reckon score model part --begin '<s>';            warns '"<s>"'
ends 2 reckon score model part --field text;             warns "--jsonl"
ends 2 reckon score model --ids 1,300;                   warns "the model has 300"
ends 3 reckon score mlm --ids 1,2;                      warns "reads both ways"; if grep -q "tensors used" "$err"; then fail "it read the weights first"; else pass; fi
ends 3 reckon fill model --ids 0 --mask '<|endoftext|>';              warns "forwards only"
ends 3 reckon embed model --ids 1 -p cls;                warns "seen nothing but itself"
ends 3 reckon embed model --ids 1 -p pooler;             warns "no pooler"
ends 0 reckon embed model --ids 1,2,3 -p last

# profiles: of every command that runs a model; text goes to stderr, where results are not
ends 0 reckon generate model --ids 1,2,3 -g -m 4 --profile=trace.json -q; warns "of peak"; warns "between them"
# a share of what memory was measured to give, and where it is more, no share
if [ -e "$RECKON_CACHE/machine.json" ]; then
    sed -i 's/"read_bytes": [0-9.e+]*/"read_bytes": 1e18/' "$RECKON_CACHE/machine.json"
    ends 0 reckon generate model --ids 1,2,3 -g -m 4; warns "% of what this machine reads"
    sed -i 's/"read_bytes": [0-9.e+]*/"read_bytes": 1000/' "$RECKON_CACHE/machine.json"
    ends 0 reckon generate model --ids 1,2,3 -g -m 4; warns "beyond the 1.0 kB/s measured of memory"
else fail "--profile measures, and keeps nothing"; fi
python3 - <<'END2' && pass || fail "trace.json"
import json
events = json.load(open("trace.json"))["traceEvents"]
assert len(events) > 20 and sum(e["name"] == "run" for e in events) == 4
END2
ends 0 reckon train text --tokenizer tok --model cs336-17m:$size --batch 2 --steps 2 --warmup 0 --blas own --quiet --profile; warns "adjoint"
ends 0 reckon train text --tokenizer tok --model model --batch 2 --steps 1 --warmup 0 --blas own --json --quiet --profile; prints '"event": "work"'; prints '"loaded": {'
ends 2 reckon count gpt2 --profile;                      warns "unknown option"
ends 4 reckon score model --ids 1,2 --profile=/nowhere/trace.json; warns "/nowhere/trace.json"; silent "$out"

# what a load says: a line, nothing with -q, all names with -v, and a name for whatever does not fit
ends 0 reckon fill mlm 'a [MASK]';                      is "a line" "$(cat "$err")" "mlm/model.safetensors: 46 tensors used (21.2 KiB, f32), 1 ignored"
ends 0 reckon score model --ids 1,2 -v;                  warns "tensors used ("
ends 0 reckon fill mlm 'a [MASK]' -v;                   warns "1 ignored"; warns "position_ids: numbers of positions"
cp -r mlm broken
python3 - <<'END2'
import json, struct
b = open("mlm/model.safetensors", "rb").read()
n = struct.unpack("<Q", b[:8])[0]
head = b[8:8 + n].replace(b"bert.encoder.layer.1.output.dense.bias", b"bert.encoder.layer.1.output.dense.bibs")
open("broken/model.safetensors", "wb").write(b[:8] + head + b[8 + n:])
END2
ends 3 reckon fill broken 'a [MASK]' -v;                 warns "encoder.layer.1.output.dense.bias"; warns "1 MISSING, 1 LEFT OVER"; warns "dense.bibs"
finish
