# Every command of docs/hand-counts.md gives every line that stands below it there.
. tests/cli/check.sh

page=$source_folder/docs/hand-counts.md
known=yes commands=0
while IFS= read -r line; do
    case $line in
    '    $ reckon '*)
        command=${line#'    $ '}; last=$command
        (eval "$command") >"$out" 2>"$err" </dev/null; code=$?
        commands=$((commands + 1)) known=yes
        if grep -qF "is neither a preset" "$err"; then known=no; skip "$command: that model is not here"
        elif [ $code -eq 0 ]; then pass
        else fail "$command: exit code $code"; sed 's/^/    /' "$err" | head -5
        fi ;;
    '    > '*) if [ $known = yes ]; then prints "${line#'    > '}"; fi ;;
    esac
done <"$page"
if [ $commands -lt 20 ]; then fail "only $commands commands in $page"; fi
finish
