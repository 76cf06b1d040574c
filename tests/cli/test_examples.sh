# Every example in every table does what it promises: it ends well. They run in the order of the tables in one folder, so
# one may use what another made; one that needs a path which is not there is skipped, by name.
. tests/cli/check.sh

# What examples may rely on: corpus.txt, some text with an empty line between its entries; pairs.tsv, pairs of texts.
for i in 1 2 3 4 5 6 7 8 9 10; do
    printf 'The quick brown fox jumps over the lazy dog, %d times.\nIt counts, and it reckons.\n\n' $i
done >corpus.txt
awk 'BEGIN { for (i = 10; i < 40; i++) printf "fox %d jumps\tjumps %d fox\n", i, i }' >pairs.tsv
command -v python3 >/dev/null && python3 "$source_folder/tests/cli/make_bert.py" mlm
for folder in $(ls -d "$source_folder/../shared/golden/models/gpt2-tiny" 2>/dev/null); do ln -s "$folder" checkpoint; done

reckon help --examples >list || fail "help --examples"
tab=$(printf '\t')
while IFS=$tab read -r needs line; do
    if [ "$needs" != - ] && [ ! -e "$needs" ]; then skip "$line: no $needs here"; continue; fi
    (eval "$line") >"$out" 2>"$err" </dev/null; code=$?
    if [ $code -eq 0 ]; then pass; else fail "$line: exit code $code"; sed 's/^/    /' "$err" | head -20; fi
    case $line in *--json*)
        if command -v python3 >/dev/null; then
            python3 -c 'import json, sys; json.load(sys.stdin)' <"$out" 2>/dev/null && pass || fail "$line: not JSON"
        fi ;;
    esac
done <list
[ $passed -gt 0 ] || fail "there are no examples"
finish
