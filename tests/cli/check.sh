# check.sh: the harness of the shell tests of the command: `. tests/cli/check.sh` first, `finish` last.
#
#   ends 2 reckon count --bacth     runs it, with its output in $out and $err, and checks the exit code
#   prints "text"                   the last output on stdout holds this line or part of one; warns: stderr
#   is "what" A B                   two texts are equal
#   skip "why"                      counts a check as skipped
#
# The command is $RECKON_COMMAND, or build/reckon. Everything happens in a fresh folder, removed at the end.

reckon_command=${RECKON_COMMAND:-build/reckon}
case $reckon_command in /*) ;; *) reckon_command=$PWD/$reckon_command ;; esac
source_folder=$PWD
if [ ! -x "$reckon_command" ]; then echo "no command at $reckon_command"; exit 77; fi
unset RECKON_THREADS RECKON_BLAS RECKON_CACHE NO_COLOR COLUMNS CDPATH
work=$(mktemp -d "${TMPDIR:-/tmp}/reckon-cli-XXXXXX") || exit 1
trap 'cd /; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir "$work/here" "$work/cache"
export RECKON_CACHE="$work/cache"
cd "$work/here" || exit 1
out=$work/out err=$work/err last= passed=0 failed=0 skipped=0

reckon() { "$reckon_command" "$@"; }

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAILED: $*"; }
skip() { skipped=$((skipped + 1)); echo "skipped: $*"; }

ends() {
    wanted=$1; shift; last="$*"
    "$@" >"$out" 2>"$err" </dev/null; code=$?
    if [ $code -eq "$wanted" ]; then pass
    else fail "$last: exit code $code, expected $wanted"; sed 's/^/    /' "$err" | head -20
    fi
}
holds() { if grep -qF -e "$2" "$1"; then pass; else fail "$last: \"$2\" is not in"; sed 's/^/    /' "$1" | head -20; fi; }
prints() { holds "$out" "$1"; }
warns() { holds "$err" "$1"; }
silent() { if [ -s "$1" ]; then fail "$last: expected nothing, got"; head -5 "$1"; else pass; fi; }
is() { if [ "$2" = "$3" ]; then pass; else fail "$1 is \"$2\", expected \"$3\""; fi; }

finish() { echo "$passed passed, $failed failed, $skipped skipped"; [ $failed -eq 0 ]; exit; }
