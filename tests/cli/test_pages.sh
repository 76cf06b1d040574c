# Pages do not lie: every command that README.md and the pages in docs show is carried out, in a folder where what the pages call `model`,
# `bert`, `gptj` ... are small stand-ins, and trainings are made small.
#
#   `    $ reckon ...`   must print the lines that stand below it, in that order (`...`: some are left out); it ends with 0, or where the
#                        first of them is its own error message, with another code
#   `    reckon ...`     must end with 0; three blanks and more begin a remark. A remark of a page before a block says what holds for it:
#
#   <!-- not run: WHY -->          needs what is not here
#   <!-- numbers vary: WHY -->     a stand-in, or a clock: the lines below without their numbers
#   <!-- words vary: WHY -->       a stand-in's text: must end with 0, and that is all
#   <!-- a script: WHY -->         all of the block at once: its lines need each other
#
# Times, peaks and rates never count. Left to tests of their own: docs/hand-counts.md, docs/json.md; to a device: docs/cuda.md.
. tests/cli/check.sh
COLUMNS=160; export COLUMNS

# --- what the pages speak of ---

shared=
for place in "$source_folder/../shared" "$source_folder/../../shared"; do [ -d "$place/golden/models" ] && shared=$(cd "$place" && pwd); done
# The fortunes of Debian 12, which the page was written with; others have other texts.
fortunes=no
if [ "$(find /usr/share/games/fortunes -type f ! -name '*.dat' 2>/dev/null | LC_ALL=C sort | xargs cat 2>/dev/null | cksum)" = '1923177221 2576674' ]; then fortunes=yes; fi

mkdir shelf && cd shelf || exit 1
mkdir text && cp "$source_folder/CONTRIBUTING.md" text/one.txt
cp text/one.txt book.txt
head -n 3 book.txt >lines.txt
printf 'one\teno\ntwo\towt\n' >pairs.tsv
sed 's/[\\"]/ /g; s/.*/{"text": "&"}/' book.txt >corpus.jsonl
command -v zstd >/dev/null && zstd -q corpus.jsonl
ends 0 reckon tok train text --vocab-size 416 --special '<pad>' --special '<s>' --special '</s>' --special '<|endoftext|>' --output tok -q
ends 0 reckon tok encode text --tokenizer tok --output text.bin -q
cp text.bin train.bin
tiny() { ends 0 reckon train "$3" --tokenizer tok --model "$1" --batch 2 --steps 2 --warmup 0 --blas own -q --output "$2"; }
tiny cs336-17m:d_model=32,num_layers=3,num_heads=2,d_ff=64,context_length=128 model text.bin
tiny gpt2:layer=2,hidden=64,head=1,position=64 gpt2-f32 text.bin
tiny gpt-j-6b:layer=2,hidden=64,head=2,rotary=16,position=64 gptj-f32 text.bin
ends 0 reckon train text.bin --tokenizer tok --model cs336-17m:d_model=32,num_layers=3,num_heads=2,d_ff=64,context_length=128 --batch 2 --steps 2 --warmup 0 -q --receipt run.json
ends 0 reckon convert gptj-f32 gptj --dtype f16 -q
ends 0 reckon convert gpt2-f32 gpt2-int8 -q
cp -r model DIR; cp -r model MODEL
command -v python3 >/dev/null && python3 "$source_folder/tests/cli/make_bert.py" bert && cp -r bert bert-base-uncased
if [ -n "$shared" ]; then
    cp -r "$shared/golden/models/marian" marian
    [ ! -d "$shared/data/tokenizers/gpt2" ] || cp -r "$shared/data/tokenizers/gpt2" gpt2-tokenizer
fi
cd ..

# here COMMAND: as it can be carried out here; nothing: it cannot, and why_not says why.
why_not=
here() {
    command=$1 why_not=
    case $command in
    *'--device cuda'*)                               why_not='no such device' ;;
    *' marian'*)                                     [ -n "$shared" ] || why_not='the reference models are not here' ;;
    *' bert'* | *'/bert-'*)                          [ -d ../shelf/bert ] || why_not='no python3 to make a BERT with' ;;
    *gpt2/*)                                         [ -d ../shelf/gpt2-tokenizer ] || why_not='no tokenizer of GPT-2'; command=$(printf '%s\n' "$command" | sed 's| gpt2/| ../shelf/gpt2-tokenizer|') ;;
    *'-k gpt2 '*)                                    [ -d ../shelf/gpt2-tokenizer ] || why_not='no tokenizer of GPT-2'; command=$(printf '%s\n' "$command" | sed 's|-k gpt2 |-k ../shelf/gpt2-tokenizer |') ;;
    *'translate DIR '*)                              why_not='tests/cli/test_translate.sh has a model with a SentencePiece' ;;
    *' verify DIR'*)                                 [ -n "$shared" ] || why_not='the reference models are not here'; command=$(printf '%s\n' "$command" | sed 's| DIR| ../shelf/marian|') ;;
    *corpus.jsonl.zst*)                              command -v zstd >/dev/null || why_not='no zstd' ;;
    */usr/share/games/fortunes*)                     [ $fortunes = yes ] || why_not='other fortunes' ;;
    *'--tokenizer tok'*)                             [ $fortunes = yes ] || [ $listens = no ] || why_not='other fortunes' ;;
    esac
    case $command in
    'reckon train'*)
        command=$(printf '%s\n' "$command" | sed -E 's/ (…|\.\.\.)$//; s/ … / text.bin --tokenizer tok --model gpt2 /; s/ --(steps|warmup|batch|eval-every) [0-9]+//g; s/--model gpt2( |$)/--model gpt2:layer=1,hidden=32,head=2,position=32\1/')
        command="$command --batch 2 --steps 2 --warmup 0" ;;
    esac
}

# --- how a line is compared ---

timeless() { sed 's/[0-9][0-9.,]* [num]*s\>/TIME/g; s/peak [0-9.]* [KMG]iB/PEAK/; s/[[:blank:]]*$//'; }
numberless() { sed -E 's/_(scalar|avx2|avx512)/_ISA/g; s/[+-]?[0-9]([0-9.,]*[0-9])?(e[+-]?[0-9]+)?/#/g; s/# [num]?s( |$)/# s\1/g; s/# [kKMGTP]?i?(B|FLOP)/# \1/g; s/[[:blank:]]+/ /g; s/ $//'; }
as_told() { if [ "$told" = numbers ]; then numberless; else timeless; fi; }

# wants LINE: the last output has it; in order, so that what was found is found once.
found=0
wants() {
    case $1 in
    'training  '*) skip "$page: progress is told on terminals"; return ;;
    *AMX*) if ! grep -q amx_bf16 /proc/cpuinfo; then skip "$page: no AMX here"; return; fi ;;
    esac
    at=$(as_told <"$out" | tail -n +$((found + 1)) | grep -nxF -e "$(printf '%s\n' "$1" | as_told)" | head -n 1 | cut -d : -f 1)
    if [ -z "$at" ]; then fail "$page: $last: does not print \"$1\""
    else pass; [ "$told" = numbers ] || found=$((found + at))           # what is sorted by its numbers comes in any order
    fi
}

# --- one page after the other ---

# carry COMMAND: listening says whether the lines below are its own; failing, that it may not have succeeded.
carry() {
    last=$1 listening=no failing=no found=0 commands=$((commands + 1))
    here "$1"
    if [ -n "$why_not" ]; then skip "$page: $1: $why_not"; return; fi
    (eval "$command") >"$out" 2>"$err" </dev/null; code=$?
    cat "$err" >>"$out"
    if grep -qE 'is not installed here|opening the BLAS library|is neither a preset' "$err" && [ $listens = no ]; then skip "$page: $1: $(head -n 1 "$err")"
    elif [ $code -ne 0 ] && [ $listens = yes ] && [ "$told" != words ]; then failing=yes listening=yes
    elif [ $code -ne 0 ]; then fail "$page: $command: exit code $code"; head -n 5 "$err"
    else pass; [ "$told" = words ] || listening=$listens
    fi
}

# below LINE: of what a command printed. Where it failed, that has to be its message.
below() {
    if [ $failing = yes ]; then
        failing=no
        case $1 in 'reckon '*': '*) ;; *) fail "$page: $last: exit code $code"; head -n 5 "$err"; listening=no; return ;; esac
    fi
    wants "$1"
}

# at_once: the block that was collected.
at_once() {
    last=$(printf '%s' "$script" | head -n 1) commands=$((commands + $(printf '%s' "$script" | grep -c '^ *reckon ')))
    case $script in */usr/share/games/fortunes*) if [ $fortunes = no ]; then skip "$page: $last: other fortunes"; return; fi ;; esac
    (set -e; eval "$script") >"$out" 2>"$err" </dev/null; code=$?
    if [ $code -eq 0 ]; then pass; else fail "$page: $last ...: exit code $code"; head -n 5 "$err"; fi
}

pages=0 commands=0
cd "$source_folder" && list=$(echo README.md docs/*.md docs/arch/*.md) && cd "$work/here" || exit 1
if [ "${TEST_FEWER:-1}" -gt 1 ]; then list=README.md; fi      # a sanitizer looks for other things than words
for page in $list; do
    case $page in docs/hand-counts.md | docs/json.md | docs/cuda.md) continue ;; esac
    rm -rf page && cp -r shelf page && cd page || exit 1
    pages=$((pages + 1)) told=all listening=no listens=no failing=no begun= script=
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        '    '*) text=${line#'    '} ;;
        '') continue ;;
        '<!-- not run: '*' -->')      told=nothing listening=no; continue ;;
        '<!-- numbers vary: '*' -->') told=numbers listening=no; continue ;;
        '<!-- words vary: '*' -->')   told=words listening=no; continue ;;
        '<!-- a script: '*' -->')     told=script listening=no script=; continue ;;
        *)  if [ "$told" = script ] && [ -n "$script" ]; then at_once; fi
            told=all listening=no begun= script=; continue ;;
        esac
        [ "$told" != nothing ] || continue
        if [ -n "$begun" ]; then
            text="$begun$text" begun=
            case $text in *\\) begun=${text%\\}; continue ;; esac
            if [ "$told" = script ]; then listens=no; here "$text"; script="$script$command
"
            else carry "$text"; fi
            continue
        fi
        if [ "$told" = script ]; then
            case $text in
            'reckon '*\\) begun=${text%\\} ;;
            'reckon '*) listens=no; here "$text"; script="$script$command
" ;;
            *) script="$script$text
" ;;
            esac
            continue
        fi
        case $text in
        '$ '*\\ | 'reckon '*\\) listens=no; begun=${text%\\} ;;
        '$ '*)      listens=yes; carry "${text#'$ '}" ;;
        'reckon '*': '*) if [ $listening = yes ]; then below "$text"; fi ;;
        'reckon '*) listens=no; carry "$(printf '%s\n' "$text" | sed 's/   .*//')" ;;
        '...') ;;
        *) if [ $listening = yes ]; then below "$text"; fi ;;
        esac
    done <"$source_folder/$page"
    cd ..
done
if [ "$list" != README.md ] && { [ $pages -lt 20 ] || [ $commands -lt 90 ]; }; then fail "only $commands commands are shown on $pages pages"; fi
finish
