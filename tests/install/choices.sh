#!/bin/sh
# choices.sh CMAKE CC SOURCE: what a person may choose when building, as make and cmake take it: a choice alone is a build, the last word
# counts, and what is refused is refused by name and leaves the folder as it was. Nothing is compiled here.
set -eu
cmake=$1 cc=$2 source=$3
unset MAKEFLAGS MFLAGS USE_OPENMP USE_TBB BLAS CUDA CC
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
failed=0

# settles WHAT -D...: configures, then the cache says WHAT of threads and BLAS; refuses TEXT -D...: ends in an error that holds TEXT.
say() { tr -s ' \n' ' ' <"$here/log"; }
kept() { sed -n 's/^RECKON_\(PAR\|BLAS\):STRING=//p; s/^\(USE_[A-Z]*\|BLAS\):.*/left over: &/p' "$here/build/CMakeCache.txt" | tr '\n' ' ' | sed 's/ *$//'; }
configure() { "$cmake" -S "$source" -B "$here/build" -DCMAKE_C_COMPILER="$cc" "$@" >"$here/log" 2>&1; }
is() { [ "$2" = "$3" ] || { echo "$1: \"$2\", expected \"$3\""; failed=1; }; }
settles() { wanted=$1; shift; configure "$@" || say; is "$*" "$(kept)" "$wanted"; }
refuses() {
    wanted=$1 before=$(kept); shift
    if configure "$@"; then echo "$*: not refused"; failed=1; fi
    case $(say) in *"$wanted"*) ;; *) echo "$*: \"$wanted\" is not in"; say; failed=1 ;; esac
    is "what is kept after $*" "$(kept)" "$before"
}

settles 'MKL pthreads' -DUSE_OPENMP=0 -DBLAS=MKL
refuses 'both asked for' -DUSE_OPENMP=1 -DUSE_TBB=1
refuses 'BLAS is "nosuch"; it may be openblas, blis, mkl, onednn, own' -DBLAS=nosuch
refuses 'packages libtbb-dev and g++' -DCMAKE_DISABLE_FIND_PACKAGE_TBB=1 -DUSE_TBB=1
settles ' pthreads' -DBLAS= -DUSE_TBB=0

if command -v make >/dev/null 2>&1; then
    cd "$source"
    is 'make of a choice' "$(make -n USE_OPENMP=0 USE_TBB=1 BLAS=MKL | grep -o 'tools/build.*' | tr -s ' ' | sed 's/ $//')" 'tools/build release all -DUSE_OPENMP=0 -DUSE_TBB=1 -DBLAS=MKL'
    is 'make of nothing' "$(make -n | grep -c tools/build)" 0
fi
exit "$failed"
