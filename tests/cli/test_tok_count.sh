# reckon tok count, and training on what it counted; WordPiece; what a training says of itself.
. tests/cli/check.sh

i=0; while [ $i -lt 400 ]; do echo "the cat $i sat on the mat of $((i * 7)) rats, and the rat $((i % 13)) ran"; i=$((i + 1)); done >text
head -n 150 text >a; tail -n +151 text | head -n 100 >b; tail -n +251 text >c

# shards
ends 0 reckon tok train text -n 330 -o whole;            prints "whole: 330 tokens, 73 merges"; prints "peak"; prints 'longest: "'; warns "this takes at most"
for shard in a b c; do ends 0 reckon tok count $shard -o $shard.counts -q; prints "$shard.counts: "; silent "$err"; done
ends 0 reckon tok train --counts a.counts c.counts b.counts -n 330 -o parts
cmp -s whole/tokenizer.json parts/tokenizer.json && pass || fail "shards make another tokenizer"
ends 0 reckon tok count --counts a.counts b.counts c.counts -o all.counts --threads 1
ends 0 reckon tok count text -o text.counts --json;      prints '"distinct": '; prints '"peak_memory": '
ends 0 reckon tok train --counts all.counts -n 330 -o sum -m 64M -q
cmp -s whole/tokenizer.json sum/tokenizer.json && pass || fail "counts added up make another tokenizer"
reckon tok count text -o rank.counts -p cl100k -q >"$out"
ends 2 reckon tok train --counts rank.counts -n 330 -o x; warns "another pattern"
head -c 700 a.counts >short; ends 3 reckon tok train --counts short -n 330 -o x; warns "short"
head -c 100 a.counts >short; ends 3 reckon tok train --counts short -n 330 -o x; warns "short: cut off after 100 bytes"
ends 2 reckon tok count text;                            warns "--output is missing"
ends 2 reckon tok count -o x;                            warns "INPUT is missing"
ends 2 reckon tok count text -o x -m 1M;                 warns "the least"
ends 3 reckon tok count text -o nowhere/x;               warns "nowhere"
[ ! -e x ] && pass || fail "a failed count left a file"

# memory: what is told beforehand is no less than what the system says of the process
awk 'BEGIN { for (i = 0; i < 150000; i++) print "w" i * 7919 " and x" i }' >many
for memory in 36M 64M 1G; do
    ends 0 reckon tok train many -n 400 -o m -m $memory --json; warns "this takes at most"; warns "for the program itself"
    told=$(sed -n 's/.*"predicted_memory": \([0-9]*\).*/\1/p' "$out") held=$(sed -n 's/.*"peak_resident": \([0-9]*\).*/\1/p' "$out")
    if grep -qE '__[atm]san_init' "$reckon_command"; then skip "a sanitizer's memory is not told"
    elif [ -z "$told" ] || [ -z "$held" ]; then skip "the system does not say what a process holds"
    elif [ "$held" -gt 20000000 ] && [ "$held" -le "$told" ]; then pass
    else fail "-m $memory: $told bytes were told of, $held taken"; fi
done

# WordPiece
ends 0 reckon tok train text -n 120 --model wordpiece --lowercase -o pieces; prints "pieces: 120 tokens"
for file in tokenizer.json vocab.txt; do [ -s pieces/$file ] && pass || fail "no pieces/$file"; done
is "lines of vocab.txt" "$(wc -l <pieces/vocab.txt | tr -d ' ')" 120
is "the first is" "$(head -n 1 pieces/vocab.txt)" "[PAD]"
ends 0 reckon tok encode -k pieces --text "The CAT sat" -q; [ "$(wc -w <"$out")" -ge 3 ] && pass || fail "pieces of The CAT sat"
ends 0 reckon tok count a -o a.wp --model wordpiece -q; reckon tok count b -o b.wp --model wordpiece -q >"$out"; reckon tok count c -o c.wp --model wordpiece -q >"$out"
ends 0 reckon tok train --counts a.wp b.wp c.wp --model wordpiece --lowercase -n 120 -o pieces2 -q
cmp -s pieces/vocab.txt pieces2/vocab.txt && pass || fail "shards make other pieces"
ends 2 reckon tok train text -n 12 --model wordpiece -o x; warns "no room"
ends 2 reckon tok train text -n 120 --model wordpiece -s '[PAD]' -o x; warns "[UNK]"

finish
