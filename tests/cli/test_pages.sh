# Pages do not lie: every `$ reckon ...` of README.md and of the pages in docs that runs from what is here prints the lines that stand below
# it there. Left out are commands whose folders only a training leaves, and what clocks and this machine say: times, peaks, speeds.
# (docs/hand-counts.md has a test of its own.)
. tests/cli/check.sh

models=
for place in "$source_folder/../shared" "$source_folder/../../shared"; do [ -d "$place/golden/models" ] && models=$place/golden/models; done
[ -z "$models" ] || ln -s "$models/marian" marian
COLUMNS=160; export COLUMNS
# The fortunes of Debian 12, which the page was written with; others have other texts.
fortunes=no
if [ "$(find /usr/share/games/fortunes -type f ! -name '*.dat' 2>/dev/null | LC_ALL=C sort | xargs cat 2>/dev/null | cksum)" = '1923177221 2576674' ]; then fortunes=yes; fi
timeless() { sed 's/[0-9][0-9.,]* [num]*s\>/TIME/g; s/peak [0-9.]* [KMG]iB/PEAK/; s/[[:blank:]]*$//'; }

# wants LINE: the last output has it; in order, so that what was found is found once.
found=0
wants() {
    at=$(timeless <"$out" | tail -n +$((found + 1)) | grep -nxF -e "$(printf '%s\n' "$1" | timeless)" | head -n 1 | cut -d : -f 1)
    if [ -n "$at" ]; then found=$((found + at)); pass; else fail "$page: $last: does not print \"$1\""; fi
}

# can COMMAND: nothing it needs is absent, and what it prints is no measurement of this machine.
can() {
    case $1 in
    *' ...' | *' | '* | 'reckon bench'* | 'reckon train'* | 'reckon verify'* | *--profile* | *--receipt* | *--blas*) return 1 ;;
    *' model '* | *' model' | *' bert '* | *' gptj '* | *gpt2-int8* | *corpus.jsonl* | *' gpt2 text '*) return 1 ;;
    *' marian '*) [ -e marian ] ;;
    */usr/share/games/fortunes*) [ "$fortunes" = yes ] ;;
    *'--tokenizer tok'*) [ -d tok ] ;;
    esac
}

commands=0
for page in README.md docs/generation.md docs/tokenizers.md; do
    listening=no
    while IFS= read -r line; do
        case $line in
        '    $ reckon '*)
            command=${line#'    $ '}; last=$command; found=0 listening=no
            can "$command" || continue
            (eval "$command") >"$out" 2>"$err" </dev/null; code=$?
            cat "$err" >>"$out"
            commands=$((commands + 1)) listening=yes
            if [ $code -eq 0 ]; then pass; else fail "$page: $command: exit code $code"; listening=no; head -5 "$err"; fi ;;
        '    ...' | '') ;;
        '    '*) if [ $listening = yes ]; then wants "${line#'    '}"; fi ;;
        *) listening=no ;;
        esac
    done <"$source_folder/$page"
done
if [ $commands -lt 7 ]; then fail "only $commands commands could be tried"; fi
finish
