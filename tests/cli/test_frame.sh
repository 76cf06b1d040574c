# The frame of the command: help, versions, mistakes, exit codes, streams that fail. Every command goes through it.
. tests/cli/check.sh

# help and version
ends 0 reckon --version;            prints "reckon $(sed -n 's/.*RK_VERSION "\(.*\)"/\1/p' "$source_folder/include/reckon/base.h")"
ends 0 reckon --help;               prints "usage: reckon COMMAND"; silent "$err"; cp "$out" root
ends 0 reckon help;                 is "reckon help against --help" "$(cat root)" "$(cat "$out")"
ends 0 reckon -h
for command in $(sed -n 's/^COMMAND(\(.*\))$/\1/p' "$source_folder/cli/list.def"); do
    ends 0 reckon "$command" --help; prints "reckon $command: "; cp "$out" one
    ends 0 reckon help "$command";   is "help $command" "$(cat "$out")" "$(cat one)"
    grep -q "^  $command " root && pass || fail "reckon help does not list $command"
done
ends 0 reckon help exit;            prints "130"
ends 0 reckon help environment;     prints "RECKON_THREADS"
ends 0 reckon help numbers;         prints "4Ki = 4096"
COLUMNS=70 ends 0 reckon help help
is "longest line of help at 70 columns" "$(awk 'length > 70 && !/^  reckon|^usage/ { n++ } END { print n + 0 }' "$out")" 0

# what makes no sense
ends 2 reckon;                      warns "which command?"; silent "$out"
ends 2 reckon hlep;                 warns "did you mean help?"
ends 2 reckon zzzzzz;               warns "unknown command zzzzzz"; warns "reckon --help"
ends 2 reckon info --jsno;          warns "did you mean --json?"
ends 2 reckon help --completion sh; warns "one of bash|zsh|fish"
ends 2 reckon help inof;            warns "did you mean info?"
ends 2 reckon help zzzzzz;          warns "no help on zzzzzz"; warns "reckon help tells which commands"
ends 2 reckon info extra;           warns "one argument too many: extra"
ends 2 reckon help --json;          warns "no answer in JSON"
ends 2 reckon info --threads 0;     warns "not between 1 and 1024"
ends 2 reckon info --threads 1025;  warns "not between 1 and 1024"
ends 2 reckon info --threads -1;    warns "not between 1 and 1024"
ends 2 reckon info --threads two;   warns "a whole number expected"
ends 2 reckon "$(printf 'a\033[31mb')"; warns "a?[31mb"

# the environment
RECKON_THREADS=1; export RECKON_THREADS
ends 0 reckon info --json;          prints '"threads": 1'
ends 0 reckon info --json --threads 3; prints '"threads": 3'
RECKON_THREADS=many
ends 2 reckon info;                 warns "RECKON_THREADS: a whole number expected, not \"many\""
ends 0 reckon info --threads 1
unset RECKON_THREADS
ends 0 reckon info;                 prints "$work/cache"
ends 3 reckon info --blas /nowhere/x.so; warns "/nowhere/x.so"; prints "none, by what was asked for"; prints "vector features"
(unset HOME XDG_CACHE_HOME RECKON_CACHE; reckon info) >"$out"; prints "nowhere"

# streams that fail
if [ -w /dev/full ]; then
    reckon info >/dev/full 2>"$err"; is "exit code on a full disk" $? 4; warns "cannot write to standard output: No space left"
    reckon help --completion bash >/dev/full 2>"$err"; is "exit code on a full disk, long" $? 4; warns "No space left"
    reckon --version 2>/dev/full >"$out"; is "exit code without messages" $? 0
else skip "no /dev/full"; fi
reckon info >&- 2>"$err"; is "exit code without standard output" $? 4; warns "cannot write to standard output"
reckon info <&- >"$out" 2>"$err"; is "exit code without standard input" $? 0
reckon info 2>&- >"$out"; is "exit code without standard error" $? 0
{ sleep 1; reckon help --completion zsh; echo $? >code; } 2>"$err" | :     # by then nobody reads
is "exit code when nobody reads" "$(cat code)" 4; silent "$err"

# colour: on a terminal only, and not where it is unwanted
escape=$(printf '\033')
ends 0 reckon help;                 grep -q "$escape" "$out" && fail "colour in a file" || pass
if command -v script >/dev/null && script -qec true /dev/null >/dev/null 2>&1; then
    TERM=xterm script -qec "'$reckon_command' help" /dev/null >"$out" </dev/null; holds "$out" "$escape[1mcommands"
    TERM=dumb script -qec "'$reckon_command' help" /dev/null >"$out" </dev/null; grep -q "$escape" "$out" && fail "colour on a dumb terminal" || pass
    TERM=xterm NO_COLOR=1 script -qec "'$reckon_command' help" /dev/null >"$out" </dev/null; grep -q "$escape" "$out" && fail "colour against NO_COLOR" || pass
else skip "no script(1) to make a terminal"; fi
finish
