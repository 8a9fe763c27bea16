#!/bin/sh
# Rebuilds the committed .wasm files beside their sources with the compiler of benches/real/tools.sh
# (or any `wasi-cc` in $TERRACE_TOOLS/bin). The output is the same for the same compiler and wasi-libc.
set -eu
cd "$(dirname "$0")"
cc=${TERRACE_TOOLS:-../../target/tools}/bin/wasi-cc
for source in *.c; do
    case $source in
        primes.c) optimize=-O3 ;;
        *) optimize=-Oz ;;
    esac
    "$cc" "$optimize" -std=gnu17 -Wall -Wextra -Werror -s -Wl,--gc-sections "$source" \
        -lc-printscan-no-floating-point -o "${source%.c}.wasm"
done
ls -l ./*.wasm
