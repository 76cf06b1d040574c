#!/bin/sh
# check.sh CMAKE CC SOURCE BUILD: installs into an empty folder and uses only what lies there, as a customer would: through
# the CMake package (both libraries) and through pkg-config, a small program and every example. An example is then run
# without arguments: it must end with 0, or with 2 after saying how it wants to be called. Every header must stand alone.
set -eu
cmake=$1 cc=$2 source=$3 build=$4
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

"$cmake" --install "$build" --prefix "$here/prefix" >"$here/log" 2>&1 || { cat "$here/log"; exit 1; }
cp -R "$source/tests/install" "$here/customer"
for example in "$source"/examples/*.c; do
    [ ! -e "$example" ] || cp "$example" "$here/customer"
done

echo 'names'
foreign=$(for library in "$here"/prefix/lib*/libreckon.*; do
    case $library in *.a) nm -g --defined-only "$library" ;; *) nm -D --defined-only "$library" ;; esac
done | awk 'NF == 3 && $3 !~ /^rk_/ { print $3 }' | sort -u)
[ -z "$foreign" ] || { echo "a customer sees names that are not rk_: $foreign"; exit 1; }

if [ -x "$here/prefix/bin/reckon" ]; then
    echo 'pages and completion'
    for made in man/man1/reckon.1 bash-completion/completions/reckon zsh/site-functions/_reckon fish/vendor_completions.d/reckon.fish; do
        [ -s "$here/prefix/share/$made" ] || { echo "share/$made was not installed"; exit 1; }
    done
fi

echo 'headers'
for header in "$here"/prefix/include/reckon/*.h; do
    name=${header##*/}
    grep -q "\"reckon/$name\"" "$here/prefix/include/reckon/reckon.h" || [ "$name" = reckon.h ] || { echo "reckon.h leaves out $name"; exit 1; }
    echo "#include <reckon/$name>" >"$here/alone.c"
    "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$here/prefix/include" "$here/alone.c" || { echo "$name does not stand alone"; exit 1; }
done
if command -v c++ >/dev/null 2>&1; then
    echo '#include <reckon/reckon.h>' >"$here/all.cpp"
    c++ -Wall -Wextra -Werror -fsyntax-only -I "$here/prefix/include" "$here/all.cpp" || { echo 'the headers are no C++'; exit 1; }
fi

echo 'CMake package'
if ! { "$cmake" -S "$here/customer" -B "$here/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$here/prefix" &&
       "$cmake" --build "$here/build"; } >"$here/log" 2>&1; then
    cat "$here/log"
    exit 1
fi
failed=0
for program in "$here"/build/customer_*; do
    code=0
    (cd "$here" && "$program") >"$here/log" 2>&1 || code=$?
    echo "  ${program##*/}: $code"
    if [ "$code" != 0 ] && { [ "$code" != 2 ] || [ ! -s "$here/log" ]; }; then
        cat "$here/log"
        failed=1
    fi
done

# Those that generate, with a model of their own; of one whose tokenizer has more tokens than the model they end with 1 and say so.
if [ -x "$here/prefix/bin/reckon" ] && [ -x "$here/build/customer_serve_reckon" ]; then
    echo 'a model'
    if ! { "$here/prefix/bin/reckon" tok train "$source/CONTRIBUTING.md" --vocab-size 300 -q --output "$here/tok" &&
           "$here/prefix/bin/reckon" tok train "$source/CONTRIBUTING.md" --vocab-size 600 -q --output "$here/larger" &&
           "$here/prefix/bin/reckon" train "$source/CONTRIBUTING.md" --tokenizer "$here/tok" --steps 1 --warmup 0 --batch 2 --blas own -q --output "$here/model" \
               --model cs336-17m:d_model=32,num_layers=1,num_heads=2,d_ff=48,context_length=16,vocab_size=300 &&
           "$here/build/customer_generate_reckon" "$here/model" 'It' && "$here/build/customer_serve_reckon" "$here/model" 'It' 'Where things go'; } >"$here/log" 2>&1; then
        cat "$here/log"
        failed=1
    fi
    [ "$(grep -c '^\[[0-9]* tokens, ' "$here/log")" = 2 ] || { cat "$here/log"; failed=1; }
    cp "$here"/larger/* "$here/model"
    code=0
    "$here/build/customer_serve_reckon" "$here/model" 'Where things go' >"$here/log" 2>&1 || code=$?
    [ "$code" = 1 ] && grep -q 'the model has 300' "$here/log" || { echo "serve: $code"; cat "$here/log"; failed=1; }
fi

if command -v pkg-config >/dev/null 2>&1; then
    echo 'pkg-config'
    pc=$(find "$here/prefix" -name reckon.pc)
    PKG_CONFIG_PATH=${pc%/*}
    export PKG_CONFIG_PATH
    # shellcheck disable=SC2046      # flags are words
    "$cc" -std=c11 -Wall -Werror "$here/customer/version.c" -o "$here/version" $(pkg-config --cflags --libs reckon) -Wl,-rpath,"${pc%/pkgconfig/*}"
    "$here/version"
    [ "$(pkg-config --modversion reckon)" = "$("$here/version")" ] || { echo 'pkg-config tells another version'; failed=1; }
else
    echo 'no pkg-config here: that half is not tried'
fi
exit "$failed"
