# docs/json.md against what the commands print: every key that is documented is there, every key that is there is documented,
# and integers have all their digits.
. tests/cli/check.sh
command -v python3 >/dev/null || { echo "no python3 to read JSON with"; exit 77; }

cat "$source_folder/CONTRIBUTING.md" >text
reckon tok train text --vocab-size 300 --special '<|endoftext|>' --output tok --quiet >/dev/null
printf '{"low": 5, "lower": 2, "newest": 6, "widest": 3}' >words.json
size=d_model=32,num_layers=1,num_heads=2,d_ff=48,context_length=16,vocab_size=300
python3 "$source_folder/tests/cli/make_bert.py" mlm
ends 0 reckon train text --tokenizer tok --model cs336-17m:$size --batch 2 --steps 2 --warmup 0 --blas own --quiet --output model --receipt run.json
printf 'one\tenO\ntwo\towT\n' >pairs.tsv
pairs=transformer-base:hidden=16,layer=1,source_layer=1,head=2,ff=16,vocab=300,source_vocab=300
ends 0 reckon train pairs.tsv --tokenizer tok --model $pairs --batch 2 --steps 2 --warmup 0 --blas own --quiet --receipt pairs.json

cat >check.py <<'END'
import json, re, subprocess, sys
command, page = sys.argv[1:3]
SIZE, PAIRS, REFERENCE = sys.argv[3], sys.argv[4], sys.argv[5] if len(sys.argv) > 5 else ""
CHECKS = { "reckon check DIR --json": "reckon check model --json", "reckon train ... --receipt run.json": "cat run.json", "reckon train PAIRS ... --receipt pairs.json": "cat pairs.json",
           "reckon count MODEL --check pairs.json --json": "reckon count " + PAIRS + " --check pairs.json --json",
           "reckon count MODEL --check run.json --tolerance 1% --json": "reckon count cs336-17m:" + SIZE + " --check run.json --tolerance 1% --json",
           "reckon train text ... --policy amp-fp16 --profile --json": "reckon train text --tokenizer tok --model cs336-17m:" + SIZE + " --batch 2 --steps 2 --warmup 0 --blas own --quiet --output events --policy amp-fp16 --loss-scale 1e12 --peak 1e12 --profile --json",
           "reckon train text ... --resume --json": "reckon train text --output events --resume --steps 3 --blas own --quiet --json",
           "reckon translate model --ids 5,17,9,2 -m 4 --json": "reckon translate " + REFERENCE + "/models/marian --ids 5,17,9,2 -m 4 --json",
           "reckon verify model --json": "reckon verify " + REFERENCE + "/models/cs336-odd --json",
           "reckon verify model --json --profile": "reckon verify " + REFERENCE + "/models/cs336-odd --json --profile" }
failed = 0

def fail(text):
    global failed
    failed += 1
    print("FAILED: " + text)

def paths(x, at=""):
    if isinstance(x, dict):
        for key, value in x.items():
            inner = at + ("." if at else "") + key
            yield inner, not isinstance(value, dict) or not value
            yield from paths(value, inner)
    elif isinstance(x, list):
        for value in x:
            yield from paths(value, at + "[]")

def events(text):
    """Events of one name together; what a later one lacks an earlier one has. Receipts have a section of their own."""
    all = {}
    for line in text.splitlines():
        one = json.loads(line)
        name = one.pop("event")
        if name != "receipt":
            all[name] = {**all.get(name, {}), **one}
    return {"schema": all["begin"]["schema"], **all}

def covers(key, path):
    if key.endswith("*"):
        return path.startswith(key[:-1]) or key.startswith(path + ".") or key.startswith(path + "[].")
    return path == key or key.startswith(path + ".") or key.startswith(path + "[].")

sections = re.split(r"^## ", open(page, encoding="utf-8").read(), flags=re.M)[1:]
for section in sections:
    schema = section.split("\n")[0]
    if schema == "reckon.verify/1" and not REFERENCE:
        continue                                    # nothing here to verify against
    commands = re.findall(r"^    (reckon .*)$", section, flags=re.M)
    keys = [(key, star != "") for star, key in re.findall(r"^\| (\*?)`([^`]+)`\*? \|", section, flags=re.M)]
    found = set()
    if not commands or not keys:
        fail(schema + " has no command or no keys")
    if schema == "reckon.train/1":
        keys.append(("schema", False))
    for line in commands:
        if "translate" in line and not REFERENCE:
            continue
        words = CHECKS.get(line, line)
        run = subprocess.run(words.replace("reckon", command, 1) if words.startswith("reckon") else words, shell=True, capture_output=True, text=True)
        if run.returncode != 0:
            fail(f"{words}: exit code {run.returncode}: {run.stderr}")
            continue
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', run.stdout)
        wrong = [word for word in re.findall(r"[-0-9.]+[eE]\+?[0-9]+|\b(?:nan|inf)\b", bare) if word in ("nan", "inf") or float(word) < 2**64]      # no integer is larger
        if wrong:
            fail(f"{line}: {wrong[:5]}: an integer with an exponent, or no number")
        x = events(run.stdout) if schema == "reckon.train/1" else json.loads(run.stdout)
        if x.get("schema") != schema:
            fail(f"{line}: schema {x.get('schema')}, not {schema}")
        if list(x)[0] != "schema":
            fail(f"{line}: schema does not come first")
        own = {path for path, _ in paths(x)}
        found |= own
        for path in sorted(own):
            if not any(covers(key, path) for key, _ in keys):
                fail(f"{line}: {path} is not in {page}")
        for key, sometimes in keys:
            if not sometimes and not any(covers(key, path) and (key.endswith("*") or path == key) for path in own):
                fail(f"{line}: {key} is not there")
    for key, _ in keys:
        if not any(path == key or (key.endswith("*") and path.startswith(key[:-1])) for path in found):
            fail(f"{schema}: no command prints {key}")
if len(sections) < 30:
    fail("fewer than thirty schemas")
sys.exit(failed != 0)
END
reference=
for place in "$source_folder/../shared" "$source_folder/../../shared"; do [ -d "$place/golden/models/cs336-odd" ] && reference=$place/golden; done
ends 0 python3 check.py "$reckon_command" "$source_folder/docs/json.md" $size $pairs $reference
cat "$out"

# large numbers are the sums that they say they are
ends 0 reckon count gpt3 --json
python3 - "$out" <<'END' && pass || fail "exact integers"
import json, sys
x = json.load(open(sys.argv[1]))
c = x["flops"]["convention"]
assert c["bill"] == x["flops"]["forward"] + x["flops"]["backward"] and c["full"] == c["bill"] > 2**50
assert x["bytes"]["parameters"] == 4 * 174604259328
END
ends 0 reckon fit pythia-2.8b --device h100 --tokens 300B --json
python3 - "$out" <<'END' && pass || fail "exact FLOPs of a training"
import json, sys
x = json.load(open(sys.argv[1]))
t = x["training"]
assert t["tokens"] == 300 * 10**9 and isinstance(t["flops"], int) and t["flops"] > 2**70
w = x["answers"][0]["ways"][x["answers"][0]["cheapest"]]
assert w["bytes_each"] * w["batch"] + w["bytes_fixed"] <= x["memory"] < w["bytes_each"] * (w["batch"] + 1) + w["bytes_fixed"]
END
finish
