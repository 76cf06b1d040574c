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
ends 2 reckon tok train text --counts c -o x; warns "either --counts or INPUT"
ends 2 reckon tok train text -n 256 -o x;   warns "no room"
ends 2 reckon tok train text -n 5G -o x;    warns "beyond 32 bits"
ends 3 reckon tok train nothing -o x;       warns "cannot read nothing: No such file"
: >empty
ends 3 reckon tok train empty -o x;         warns "no text"
ends 3 reckon tok train --counts text -o x; warns "text"
ends 3 reckon tok train --counts nothing -o x; warns "nothing"
ends 4 reckon tok train text -n 260 -o text/x; warns "Not a directory"
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
ends 4 reckon tok encode -k t1 text -o no/where; warns "cannot write no/where"
ends 2 reckon tok decode -k t1 --ids 1,x;       warns 'no id at "x"'
ends 2 reckon tok decode -k t1 --ids 5000000000; warns "no id at"
ends 2 reckon tok decode -k t1 --ids 270;       warns "270"
ends 2 reckon tok decode -k t1
ends 3 reckon tok decode -k t1 nowhere;         warns "cannot read nowhere"
printf 'A\000B' >odd
ends 3 reckon tok decode -k t1 odd --dtype u16; warns "ends within a token"
mkdir broken && printf '{"model": {"type": "BPE"' >broken/tokenizer.json
ends 3 reckon tok encode -k broken text;        warns "tokenizer.json"

# a disk that is full leaves the old file as it was
cp text.bin kept
(ulimit -f 1; exec 2>"$err"; reckon tok encode -k t1 noise -o text.bin -q --dtype u32); is "exit code on a full disk" $? 4
warns "cannot write text.bin"; cmp -s kept text.bin && pass || fail "the old file is gone"; is "nothing left behind" "$(ls text.bin*)" text.bin

# Ctrl-C, while it waits for input and while it works: one exit code, nothing half-made
mkfifo pipe; { sleep 20 >pipe & } ; sleeper=$!
"$reckon_command" tok train - -o late -q <pipe 2>"$err" & pid=$!
i=0; while [ $i -lt 50 ] && ! grep -q 'SigCgt:.*[2367abef]$' /proc/$pid/status 2>/dev/null; do sleep 0.1; i=$((i + 1)); done
if [ -r /proc/$pid/status ]; then
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
