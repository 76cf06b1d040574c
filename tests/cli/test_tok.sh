# reckon tok: train, encode, decode, from the outside: what goes in comes out, and what is wrong is said.
. tests/cli/check.sh

printf 'one two three\ntwo three four\n%%\nfive \303\251\342\202\254 six\n%%\r\n%%\nseven\n' >text
mkdir folder folder/below
cp text folder/a; printf 'eight nine\n' >folder/below/b; printf 'bin\000ary' >folder/c.dat; ln -s a folder/link; : >folder/.hidden
bytes() { wc -c <"$1" | tr -d ' '; }

# training
ends 0 reckon tok train text -n 270 -o t1;  prints "t1: 270 tokens, 13 merges"; warns "in 1 document from 1 file"
for file in tokenizer.json vocab.json merges.txt; do [ -s t1/$file ] && pass || fail "no t1/$file"; done
ends 0 reckon tok train text -n 270 -o t2 --threads 1 -q; silent "$err"
cmp -s t1/tokenizer.json t2/tokenizer.json && pass || fail "1 thread makes another tokenizer"
ends 0 reckon tok train folder -n 270 -o t3 --separator %; warns "in 4 documents from 2 files; 1 left out"
reckon tok train - -n 260 -o t4 --json <text >"$out" 2>"$err"; last="tok train -"; prints '"vocab_size": 260'; prints '"merges": 3'
printf '{"low": 5, "lower": 2, "newest": 6, "widest": 3}' >counts.json
ends 0 reckon tok train --counts counts.json -n 263 -o t5; prints "6 merges"
ends 0 reckon tok train text -n 5000 -o t6; warns "has no more pairs to merge"
ends 0 reckon tok train text -n 256 -s '' -o t7; prints "256 tokens, 0 merges"
ends 2 reckon tok train text;               warns "--output is missing"
ends 2 reckon tok train -o x;               warns "INPUT is missing"
ends 2 reckon tok train --separator % --counts c -o x; warns "no documents in counts"
ends 2 reckon tok train text -n 256 -o x;   warns "no room"; grep -q "takes at most" "$err" && fail "words were counted for a vocabulary without room" || pass
ends 2 reckon tok train text -n 5G -o x;    warns "beyond 32 bits"
ends 3 reckon tok train nothing -o x;       warns 'cannot read "nothing": No such file'
: >empty
ends 3 reckon tok train empty -o x;         warns "no text"; grep -q "takes at most" "$err" && fail "announced memory for no text" || pass
ends 3 reckon tok train --counts text -o x; warns "text"
ends 3 reckon tok train --counts nothing -o x; warns "nothing"
ends 4 reckon tok train text -n 260 -o text/x; warns "Not a directory"
ends 4 reckon tok train text -n 260 -o text;   warns "text is no folder"; grep -q "takes at most" "$err" && fail "words were counted before it was known where they go" || pass
ends 2 reckon tok train text -n 260 -o x --memory 1k; warns "33554432 are the least"; warns "allow more"
ends 2 reckon tok decode --tokenizer t1 --ids 5000;  warns "id 5000 at position 0"; warns "another tokenizer"
[ ! -e x ] && pass || fail "a failed training left a folder"

# encoding and decoding
ends 0 reckon tok encode -k t1 text -o text.bin; prints "text.bin: "
is "sizes agree" "$(bytes text.bin)" "$(($(sed 's/.*: \([0-9]*\) tokens.*/\1/' "$out") * 2))"
reckon tok decode -k t1 text.bin --skip-special >back 2>"$err"; cmp -s text back && pass || fail "decode after encode is not the text"
ends 0 reckon tok encode -k t1 text -o text32.bin --dtype u32 -q
is "u32 takes twice the bytes" "$(bytes text32.bin)" $(($(bytes text.bin) * 2))
reckon tok decode -k t1 - --dtype u32 --skip-special <text32.bin >back 2>"$err"; cmp -s text back && pass || fail "decode after encode, u32"
ends 0 reckon tok encode -k t1 folder --separator % -o folder.bin --json; prints '"documents": 4'; prints '"dtype": "u16"'
reckon tok decode -k t1 folder.bin >"$out" 2>"$err"; is "documents end with the special token" "$(grep -o '<|endoftext|>' "$out" | wc -l | tr -d ' ')" 4
ends 0 reckon tok encode -k t1 folder --separator % -o folder.bin --end ''; reckon tok decode -k t1 folder.bin >back 2>"$err"
sed '/^%/d' text | cat - folder/below/b | cmp -s - back && pass || fail "documents without ends"
printf 'a<|endoftext|>' >ended
ends 0 reckon tok encode -k t1 ended -q;        is "no second end" "$(wc -w <"$out" | tr -d ' ')" 2
ends 0 reckon tok encode -k t1 ended -q --plain; [ "$(wc -w <"$out")" -gt 3 ] && pass || fail "--plain"
ends 0 reckon tok encode -k t7 --text AB;       prints "65 66"; silent "$err"
ends 0 reckon tok encode -k t7 --text AB --json; prints "[65, 66]"
ends 0 reckon tok encode -k t7 --text '';       is "ids of nothing" "$(cat "$out")" ""
ends 0 reckon tok decode -k t7 --ids '65, 66,67'; prints ABC
head -c 100000 /dev/urandom >noise
ends 0 reckon tok encode -k t6 noise -o noise.bin; reckon tok decode -k t6 --skip-special noise.bin >back; cmp -s noise back && pass || fail "noise"
ends 0 reckon tok encode -k t1 --text abc -o one.bin; is "one file" "$(ls one.bin*)" one.bin

# what is wrong
ends 2 reckon tok encode text;                  warns "--tokenizer is missing"
ends 2 reckon tok encode -k t1;                 warns "INPUT is missing"
ends 2 reckon tok encode -k t1 text --text x;   warns "either --text or INPUT"
ends 2 reckon tok encode -k t1 text --end nope; warns 'no token "nope"'
ends 3 reckon tok encode -k nowhere text;       warns "nowhere"
ends 3 reckon tok encode -k t1 nowhere;         warns "nowhere"
ends 3 reckon tok encode -k t1 text -o no/where; warns 'cannot write "no/where'
ends 2 reckon tok decode -k t1 --ids 1,x;       warns 'no id at "x"'
ends 2 reckon tok decode -k t1 --ids 5000000000; warns "no id at"
ends 2 reckon tok decode -k t1 --ids 270;       warns "270"
ends 2 reckon tok decode -k t1
ends 3 reckon tok decode -k t1 nowhere;         warns nowhere
printf 'A\000B' >odd
ends 3 reckon tok decode -k t1 odd --dtype u16; warns "no whole number of ids"
reckon tok decode -k t1 - --dtype u16 <odd >"$out" 2>"$err"; is "exit code of half a token" $? 3; warns "ends within a token"
mkdir broken && printf '{"model": {"type": "BPE"' >broken/tokenizer.json
ends 3 reckon tok encode -k broken text;        warns "tokenizer.json"

# patterns
ends 0 reckon tok split --text "It's a 1234-5"; is "words of GPT-2" "$(tr '\n' '|' <"$out")" "It|'s| a| 1234|-|5|"
ends 0 reckon tok split -p cl100k --text "a 1234" --json;      prints '["a", " ", "123", "4"]'
ends 0 reckon tok split -p o200k --lengths --text "HelloWorld"; is "words of o200k" "$(tr '\n' ' ' <"$out")" "5 5 "
printf '"a b"\n"\\u00e9 \\n"\n' >lines
ends 0 reckon tok split --jsonl lines -q;        is "lengths by line" "$(tr '\n' ';' <"$out")" "[1, 2];[2, 2];"
ends 2 reckon tok split -p gpt3 --text x;        warns 'no pattern is called "gpt3"'; warns cl100k
ends 2 reckon tok split;                         warns "INPUT is missing"
if reckon tok split -p '[0-9]+' --text a12b >"$out" 2>"$err"; then
    is "words of a pattern" "$(tr '\n' '|' <"$out")" "a|12|b|"
    ends 2 reckon tok split -p '(a' --text x;    warns "no regular expression"
    ends 0 reckon tok train text -n 262 -p '\w+|\W' -o t8; ends 0 reckon tok encode -k t8 text -o text8.bin -q
    reckon tok decode -k t8 text8.bin --skip-special >back 2>"$err"; cmp -s text back && pass || fail "a pattern of one's own, there and back"
else skip "no PCRE2 here"; fi

# lines of JSON, WordPiece, .tiktoken
printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\ncat\n##s\n.\n' >vocab.txt
printf '"The cats."\n"dog [SEP]"\n' >lines
ends 0 reckon tok encode -k vocab.txt --lowercase --jsonl --offsets lines -q
is "WordPiece" "$(cat "$out")" '{"ids":[2,4,5,6,7,3],"offsets":[[0,0],[0,3],[4,7],[7,8],[8,9],[0,0]]}
{"ids":[2,1,3,3],"offsets":[[0,0],[0,3],[4,9],[0,0]]}'
ends 0 reckon tok encode -k vocab.txt --lowercase --jsonl --pairs --truncate 7 --pad 8 lines -q
is "pairs" "$(cat "$out")" '{"ids":[2,4,5,3,1,3,3,0],"type_ids":[0,0,0,0,1,1,1,0],"attention_mask":[1,1,1,1,1,1,1,0]}'
ends 0 reckon tok encode -k vocab.txt --jsonl --bare lines -q;  prints '{"ids":[1,5,6,7]}'
printf '{"text": "the", "n": 1}\n' >objects
ends 0 reckon tok encode -k vocab.txt --jsonl --field text objects -q; prints '{"ids":[2,4,3]}'
ends 3 reckon tok encode -k vocab.txt --jsonl --field words objects;   warns "line 1"; warns words
ends 3 reckon tok encode -k vocab.txt --jsonl text;                    warns "line 1"
ends 2 reckon tok encode -k t1 --lowercase --text x;                   warns "lower case"
ends 0 reckon tok decode -k vocab.txt --ids 4,5,6,7;                   prints "the cats."
ends 0 reckon tok convert vocab.txt bert --lowercase;                  prints "bert: 8 tokens"
ends 0 reckon tok encode -k bert --jsonl lines -q;                     prints '{"ids":[2,4,5,6,7,3]}'
ends 0 reckon tok convert t7 t7.tiktoken;                              prints "256 tokens"; warns "ranks alone"
ends 0 reckon tok convert t1 t1.tiktoken;                              mkdir t1-pair; cp t1/vocab.json t1/merges.txt t1-pair
ends 0 reckon tok convert t1-pair t1-pair.tiktoken;                    cmp -s t1.tiktoken t1-pair.tiktoken && pass || fail "a vocab.json's special token became a rank"
ends 0 reckon tok encode -k t7.tiktoken --text AB --pattern gpt2;      prints "65 66"
ends 2 reckon tok encode -k t7.tiktoken --text AB;                     warns "nothing says which pattern"; warns "--pattern gpt2"; silent "$out"
ends 2 reckon tok view -k t7.tiktoken --text AB;                       warns "tok convert"
ends 0 reckon tok decode -k t7.tiktoken --ids 65,66;                   is "what is decoded needs no pattern" "$(cat "$out")" AB
ends 0 reckon tok convert t1 t1-json --json;                           prints '"merges": 13'; prints '"specials": 1'
ends 2 reckon tok convert t1 new/tokenizer.json;                       warns "OUTPUT is a folder"; [ -e new ] && fail "made a folder called tokenizer.json" || pass
ends 3 reckon tok convert t1 none/x.tiktoken;                          warns 'cannot write "none/x.tiktoken": No such file'
mkdir no-model; printf '{"pre_tokenizer": null}' >no-model/tokenizer.json
ends 3 reckon tok encode -k no-model --text a;                         warns "no-model/tokenizer.json"; warns '"model"'
ends 2 reckon tok convert t7;                                          [ -e nothing ] && fail "made something" || pass
ends 3 reckon tok convert nowhere x

ends 0 reckon tok encode -k t1 text -o llmc.bin --format llmc -q
is "llm.c's header is 1,024 bytes" "$(bytes llmc.bin)" $(($(bytes text.bin) + 1024))
reckon tok decode -k t1 llmc.bin --skip-special >back 2>"$err"; cmp -s text back && pass || fail "llm.c's format, there and back"

# into a file, whole or not at all
ends 0 reckon tok decode -k t1 text.bin --skip-special -o back;        silent "$out"; cmp -s text back && pass || fail "decoded into a file"
printf x >old; ends 3 reckon tok decode -k t1 nowhere.bin -o old;      is "a file that stays" "$(cat old; ls old.tmp.* 2>/dev/null)" x
ends 2 reckon tok decode -k t1 --ids 1,x -o old;                       is "and again" "$(cat old; ls old.tmp.* 2>/dev/null)" x
ends 4 reckon tok decode -k t1 text.bin -o none/back;                  warns "none/back: cannot be written: No such file"
ends 4 reckon tok decode -k t1 text.bin -o /dev/full;                  warns "/dev/full: cannot be written: No space left"

# looking: view, diff, stats
ends 0 reckon tok view -k t7 --text 'A<b' -q;                  prints "A|<|b"
ends 0 reckon tok view -k t7 --text 'A<b' --ids --html -q;     prints "&#60;<sub>60</sub>"
ends 0 reckon tok view -k t7 --html text folder -q;            is "pages of several texts" "$(grep -c DOCTYPE "$out") $(grep -c '<pre' "$out")" "1 3"
ends 0 reckon tok view -k t7 --text "$(printf 'a\tb\302\205')?"; prints 'a|<09>|b|<C2>|<85>|?'
printf 'ab c' >one; printf 'd' >two
ends 0 reckon tok view -p gpt2 --json one two -q;              is "an object a line" "$(cat "$out")" '{"schema": "reckon.tok.view/1", "bytes": 4, "words": [{"text": "ab", "bytes": 2}, {"text": " c", "bytes": 2}]}
{"schema": "reckon.tok.view/1", "bytes": 1, "words": [{"text": "d", "bytes": 1}]}'
ends 2 reckon tok view -k t7 --text x --html --json;           warns "without --json"
ends 0 reckon tok view -p gpt2 --text 'a bc' --json;           prints '"text": " bc"'
ends 0 reckon tok view --bytes "a$(printf '\344\270\255')";   prints "U+4E2D"; prints "UTF-8 4 bytes, UTF-16 4, UTF-32 8"
ends 0 reckon tok view --bytes "C3 C3";                        prints "byte 1 is C3: no continuation byte"
ends 0 reckon tok view --bytes 0xE4B8;                         prints "1 more byte of the character that begins with E4"
ends 0 reckon tok view --bytes "ED A0 80";                     prints "byte 1 is A0: after ED comes 80 to 9F"
ends 0 reckon tok view --bytes "C0 80" --json;                 prints "never occur"
# every kind of invalid byte: the byte, and the rule; the same place in JSON
while IFS='|' read -r bytes place rule; do
    ends 0 reckon tok view --bytes "$bytes";                   prints "byte $place"; prints "$rule"
    ends 0 reckon tok view --bytes "$bytes" --json;            prints "\"wrong_byte\": ${place%%[: ]*},"; prints "$rule"
done <<'ROWS'
41 80|1 is 80: |a continuation byte (80 to BF) where a character must begin
C1 BF|0 is C1: |C0 and C1 never occur
C3 41|1 is 41: |no continuation byte (80 to BF), which a lead byte asks for
E4 B8 41|2 is 41: |no continuation byte (80 to BF), which a lead byte asks for
F0 9F 99 41|3 is 41: |no continuation byte (80 to BF), which a lead byte asks for
E0 9F BF|1 is 9F: |after E0 comes A0 to BF
ED BF BF|1 is BF: |after ED comes 80 to 9F
F0 8F BF BF|1 is 8F: |after F0 comes 90 to BF
F4 90 80 80|1 is 90: |after F4 comes 80 to 8F
F5 80 80 80|0 is F5: |F5 to FF never occur
41 F0 9F 99|4: |the text ends inside a character
ROWS
ends 2 reckon tok view --text x;                               warns "either --tokenizer or --pattern"
ends 0 reckon tok diff t1 t2 text;                             prints "no difference"
ends 0 reckon tok diff t1 t7 text --json;                      prints '"only_in_second": 0'; prints '"equal": false'
ends 0 reckon tok diff t1 t2 text --check
ends 1 reckon tok diff t1 t7 --check;                          prints "tokens only in the first"
ends 1 reckon tok diff t1 t7 text --check --json;              prints '"equal": false'
ends 3 reckon tok diff t1 nowhere --check
ends 3 reckon tok diff t1 t2 nowhere;                              warns "nowhere"; silent "$out"
ends 0 reckon tok stats -k t1 text text --files --json;        is "a row for each file, also the same" "$(grep -c '"path": "text"' "$out")" 2
mkdir -p bad; sed 's/"<|endoftext|>": 0/"<|endoftext|>": 1/' t1/vocab.json >bad/vocab.json; cp t1/merges.txt bad
ends 3 reckon tok encode -k bad --text x;                      warns 'bad/vocab.json: id 1 is given to two tokens, "'
ends 0 reckon tok stats -k t1 --against t7 text --project 1GB; prints "bytes per token"; prints "a corpus of 1.0 GB"
ends 0 reckon tok stats -k t1 folder --separator % --documents 2 --seed 3 --json; prints '"documents": 2'
cp "$out" first; ends 0 reckon tok stats -k t1 folder --separator % --documents 2 --seed 3 --json
is "the same documents for the same seed" "$(grep -v seconds "$out")" "$(grep -v seconds first)"
ends 0 reckon tok stats -k t1 --against t7 text --documents 2 --separator %; prints "document  "; prints "seven"; grep -q "nothing to draw" "$err" && fail "there was enough to draw from" || pass
ends 0 reckon tok stats -k t1 text --documents 10 --json;      prints '"drawn_from": 1'; warns "the text has 1 document, so there is nothing to draw from"
ends 0 reckon tok stats -k t1 text --json;                     prints '"longest": ['; prints '"text": '
ends 2 reckon tok stats -k t1 text --seed 3;                   warns "say how many"
ends 2 reckon tok stats text;                                  warns "--tokenizer is missing"

# corpora: JSON by field, packed or not, from files or standard input
printf '{"id": 1, "body": "one two"}\n\n{"id": 2, "body": "three\\u00e9"}\n' >corpus.jsonl
printf 'one two' >doc1; printf 'three\303\251' >doc2
ends 0 reckon tok encode -k t1 doc1 doc2 -o docs.bin -q
ends 0 reckon tok encode -k t1 corpus.jsonl --field body -o json.bin -q; cmp -s docs.bin json.bin && pass || fail "JSON by field"
ends 0 reckon tok encode -k t1 corpus.jsonl -o plain.bin;      warns "--field NAME reads one field"
ends 2 reckon tok encode -k t1 corpus.jsonl --field body --separator % -o x; warns "separator"
ends 3 reckon tok encode -k t1 corpus.jsonl --field id -o x;   warns "corpus.jsonl, line 1"
for tool in gzip zstd; do
    command -v $tool >"$out" || { skip "no $tool here"; continue; }
    $tool -q -c <corpus.jsonl >packed; $tool -q -c <noise >noise.packed
    ends 0 reckon tok encode -k t1 packed --field body -o packed.bin -q;  cmp -s docs.bin packed.bin && pass || fail "$tool"
    reckon tok encode -k t1 - --field body -o packed.bin -q <packed;      cmp -s docs.bin packed.bin && pass || fail "$tool from standard input"
    ends 0 reckon tok encode -k t6 noise.packed -o noise2.bin -q;         cmp -s noise.bin noise2.bin && pass || fail "noise by $tool"
    ends 0 reckon tok train packed --field body -n 260 -o t9;             warns "in 2 documents from 1 file"
    head -c 50000 noise.packed >short
    ends 3 reckon tok encode -k t6 short -o short.bin;                    warns "cut short"; [ -e short.bin ] && fail "half a file" || pass
done

# Megatron's format, and shards
ends 0 reckon tok encode -k t1 folder --separator % -o mega.bin --format megatron -q; reckon tok encode -k t1 folder --separator % -o folder.bin -q
cmp -s folder.bin mega.bin && pass || fail "Megatron's ids"
is "Megatron's index: 34 bytes, 12 for each of 4 documents, 8 for each and one more" "$(bytes mega.idx)" $((34 + 4 * 12 + 5 * 8))
ends 2 reckon tok encode -k t1 text -o mega --format megatron;  warns "does not end in .bin"
ends 0 reckon tok encode -k t1 doc1 doc2 text folder -o part.bin --shards 3; prints "in 3 shards"
reckon tok encode -k t1 doc1 doc2 text folder -o whole.bin -q; cat part-0000?.bin | cmp -s - whole.bin && pass || fail "shards put together"
ends 0 reckon tok encode -k t1 doc1 doc2 text folder -o part.bin --shards 3; warns "3 shards of"
ends 1 reckon tok encode -k t1 doc1 doc2 text folder -o part.bin --shards 3 --plain; warns '"plain 0"'
ends 0 reckon tok encode -k t1 text -o one.bin --shards 3;     prints "in 1 shard"; warns "1 shard, not 3: none ends inside a document, and INPUT has 1"
ends 2 reckon tok encode -k t1 text --shards 3;                 warns "--output is missing"
reckon tok encode -k t1 - -o x.bin --shards 3 <text 2>"$err";   is "shards of standard input" $? 2; warns "--shard-size"

# killed at any time, started again: the same bytes, and nothing else
i=0; while [ $i -lt 40 ]; do head -c 100000 noise | tr '\\000-\\037' ' '; printf '\n%%\n'; i=$((i + 1)); done >noises
reckon tok encode -k t6 noises --separator % -o straight.bin --shard-size 200k -q
"$reckon_command" tok encode -k t6 noises --separator % -o killed.bin --shard-size 200k --threads 1 -q 2>"$err" & pid=$!
i=0; while [ $i -lt 200 ] && [ ! -e killed.shards.json ]; do sleep 0.01; i=$((i + 1)); done
kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
[ -e killed-00000.bin ] && pass || fail "no shard before it was killed"
ends 0 reckon tok encode -k t6 noises --separator % -o killed.bin --shard-size 200k -q
for file in straight-*.bin; do cmp -s $file killed-${file#straight-} && pass || fail "$file differs after a kill"; done
is "nothing is left beside the shards" "$(ls killed* | grep -c tmp)" 0
: >swept-00001.idx.tmp.4194304; : >swept-00000.bin.tmp.4194304      # as a kill between two writes leaves them
ends 0 reckon tok encode -k t6 noises --separator % -o swept.bin --shard-size 1M --format megatron -q
is "nor beside their indices" "$(ls swept* | grep -c tmp)" 0

# a disk that is full leaves the old file as it was
cp text.bin kept
(ulimit -f 1; exec 2>"$err"; reckon tok encode -k t1 noise -o text.bin -q --dtype u32); is "exit code on a full disk" $? 4
warns "cannot write"; warns "text.bin"; cmp -s kept text.bin && pass || fail "the old file is gone"; is "nothing left behind" "$(ls text.bin*)" text.bin
(ulimit -f 1; exec 2>"$err"; reckon tok train text -n 265 -o no-room -q); is "exit code of training on a full disk" $? 4
warns "no-room/vocab.json"; [ -e no-room ] && fail "an empty folder is left" || pass

# Ctrl-C, while it waits for input and while it works: one exit code, nothing half-made
mkfifo pipe; { sleep 20 >pipe & } ; sleeper=$!
"$reckon_command" tok train - -o late -q <pipe 2>"$err" & pid=$!
i=0; while [ $i -lt 50 ] && ! grep -q 'SigCgt:.*[2367abef]$' /proc/$pid/status 2>/dev/null; do sleep 0.1; i=$((i + 1)); done
if [ -r /proc/$pid/status ]; then
    sleep 0.5                                   # from the handler to the reading: on a busy machine some time
    kill -INT $pid; kill -TERM $pid; wait $pid; code=$?; last="interrupted reading"; is "exit code when interrupted" $code 130; warns interrupted
else kill -9 $pid; skip "no /proc to see when the command waits"; fi
kill $sleeper 2>/dev/null
i=0; while [ $i -lt 100 ]; do cat noise >>big; i=$((i + 1)); done
"$reckon_command" tok train big -n 60000 -o late 2>"$err" & pid=$!
i=0; while [ $i -lt 100 ] && ! grep -q 'of text' "$err"; do sleep 0.05; i=$((i + 1)); done
kill -TERM $pid 2>/dev/null; wait $pid; code=$?
last="interrupted training"
if [ $code -eq 0 ]; then skip "the training was over before it was interrupted"; else is "exit code when interrupted" $code 130; warns interrupted; fi
[ -e late ] && fail "an interrupted training left a folder" || pass
finish
