# Every option of the commands that price models, with values that make no sense: either the command takes it and ends with 0 or 1, or it
# says why not and prints nothing: half an answer above an error is none.
. tests/cli/check.sh

wrong="x -1 0 1e30 99999999999999999999 nan ,"
options() { reckon "$1" --help | sed -n '/^examples/q; s/^  \(-., \|    \)--\([a-z-]*\)\( \{1,2\}[^ ].*\|\)$/\2/p'; }

# try COMMAND ARGUMENT...: with each option and value behind them; one of TEST_FEWER where every start of a process is slow
tries=0 met=0
try() {
    command=$1
    for option in $(options "$command"); do
        case $option in help | html | threads | blas) continue ;; esac
        for value in $wrong ''; do
            met=$((met + 1))
            [ $((met % ${TEST_FEWER:-1})) = 0 ] || continue
            last="$* --$option=$value"
            reckon "$@" "--$option=$value" >"$out" 2>"$err" </dev/null; code=$?
            tries=$((tries + 1))
            if [ $code -gt 4 ]; then fail "$last: exit code $code"; sed 's/^/    /' "$err" | head -5
            elif [ $code -gt 1 ] && [ -s "$out" ]; then fail "$last: ends with $code and prints"; head -3 "$out"
            elif [ $code -gt 1 ] && ! [ -s "$err" ]; then fail "$last: ends with $code and says nothing"
            fi
        done
    done
}
try count gpt2
try count gpt2 --conventions
try count gpt2 --steps 10 --device h100 --json
try count gpt2 gpt2-xl
try count gpt2 --memory eager
try fit gpt2 --memory 24GB
try sweep gpt2 --over seq=1Ki..4Ki
try diff gpt2 gpt-j-6b
try show gpt2
try einsum 'm k, k n -> m n' -s m=4,k=4,n=4
try list
try check nowhere
if [ $met -gt 1000 ]; then pass; else fail "only $tries of $met tries"; fi

# A line of an error goes out whole: each write arrives by itself here.
if command -v python3 >/dev/null; then
    RECKON_COMMAND=$reckon_command python3 - <<'END' && pass || fail "an error does not go out line by line"
import os, socket, subprocess, sys
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
subprocess.run([os.environ["RECKON_COMMAND"], "count", "nosuch"], stderr=theirs, stdout=subprocess.DEVNULL, timeout=20)     # letter by letter the socket is soon full
ours.setblocking(False)
lines = []
try:
    while True: lines.append(ours.recv(4096).decode())
except BlockingIOError: pass
sys.exit(not (lines and all(line.endswith("\n") for line in lines)))
END
fi

# A name is looked at whether it is needed or not
ends 2 reckon tok encode --tokenizer tok --jsonl;  warns "INPUT is missing (- is standard input)"
ends 2 reckon count gpt2 --flops nosuch;         warns 'there is no convention "nosuch"'; silent "$out"
ends 0 reckon count gpt2 --flops llm.c --tokens 1B --device h100;  prints "by the convention llm.c"

# 0 is a value, and not as if nothing had been given
for zero in 'count gpt2 --edition' 'count gpt2 --device-memory' 'count gpt2 --bandwidth' 'fit gpt2 --memory 24GB --edition' 'fit gpt2 --memory 24GB --peak' 'diff gpt2 gpt-j-6b --bandwidth'; do
    ends 2 reckon $zero 0; warns "${zero##* }: "; silent "$out"
done

# by name
ends 2 reckon count gpt2 --activation x;      warns 'no activation "x"'; silent "$out"
ends 2 reckon count gpt2 --conventions --edition 2023; warns "2024, 2025 and 2026"; silent "$out"
ends 3 reckon count gpt2 nosuch --json;       warns '"nosuch"'; silent "$out"
ends 2 reckon count gpt2 --dtype fp8;         warns "fp8 is a word of --policy"
ends 2 reckon sweep gpt2 --over batch=1,2 --dtype amp-bf16; warns "amp-bf16 is a word of --policy"
ends 2 reckon count gpt2 --attention full;    warns "full is a word of --recompute"
finish
