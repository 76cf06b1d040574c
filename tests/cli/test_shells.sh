# What is made from the tables for other programs: man pages without a complaint, completion that completes.
. tests/cli/check.sh

ends 0 reckon help --man pages
for command in $(sed -n 's/^COMMAND(\(.*\))$/\1/p' "$source_folder/cli/list.def"); do [ -s "pages/reckon-$command.1" ] && pass || fail "no page reckon-$command.1"; done
ends 0 reckon help --man pages;     [ -s pages/reckon.1 ] && pass || fail "no page reckon.1"
ends 4 reckon help --man missing/below; warns "missing/below"
: >file
ends 4 reckon help --man file;      warns "Not a directory"
if [ -w /dev/full ]; then
    mkdir full && ln -s /dev/full full/reckon.1
    ends 4 reckon help --man full;  warns "cannot write full/reckon.1: No space left"
fi
for page in pages/*.1; do
    if command -v mandoc >/dev/null; then mandoc -T lint -W warning "$page" >"$out" && pass || { fail "$page: mandoc"; cat "$out"; }; fi
    if command -v man >/dev/null && man --warnings -l -Tutf8 "$page" >"$out" 2>"$err"; then last="man $page"; silent "$err"; prints "reckon manual"
    elif command -v groff >/dev/null; then groff -man -Tutf8 -ww "$page" >"$out" 2>"$err"; last="groff $page"; silent "$err"
    else skip "neither man nor groff: $page"; fi
done

# bash: what is offered after these words?
if command -v bash >/dev/null; then
    ends 0 reckon help --completion bash; cp "$out" completion.bash
    mkdir folder; : >"a file"
    offered() { bash -c '. ./completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _reckon; printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | tr '\n' '|'; }
    is "after reckon hel" "$(offered reckon hel)" "help|"
    is "after reckon help --completion" "$(offered reckon help --completion "")" "bash|zsh|fish|"
    is "after --completion=z" "$(offered reckon help --completion = z)" "zsh|"
    is "after --completion=" "$(offered reckon help --completion =)" "bash|zsh|fish|"
    is "after help --m" "$(offered reckon help --m)" "--man|"
    is "after help --man fol" "$(offered reckon help --man fol)" "folder|"
    is "after --threads" "$(offered reckon info --threads "")" "|"
    is "after help exi" "$(offered reckon help exi)" "exit|"
    is "after info --js" "$(offered reckon --quiet info --js)" "--json|"
else skip "no bash"; fi

if command -v zsh >/dev/null; then
    ends 0 reckon help --completion zsh; cp "$out" _reckon
    zsh -n _reckon && pass || fail "zsh does not read its completion"
else skip "no zsh"; fi

if command -v fish >/dev/null; then
    ends 0 reckon help --completion fish; cp "$out" completion.fish
    HOME=$work fish --no-config -c 'source completion.fish; complete -C "reckon hel"; complete -C "reckon help --completion "' >"$out" 2>"$err"
    last="fish completion"; prints "help"; prints "zsh"
else skip "no fish"; fi
finish
