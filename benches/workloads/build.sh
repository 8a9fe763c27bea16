#!/bin/sh
# Rebuilds the committed .wasm files from src/ with the tools that benches/real/tools.sh installs (a `wasi-cc`
# in bin, a Python with wasmtime in venv). The output is the same for the same compiler.
#
#   [TERRACE_TOOLS=/some/dir] benches/workloads/build.sh [name...]      (default: all)
#
# A source that needs more than the baseline says so in a line `// flags: -msimd128 ...`.
set -eu
cd "$(dirname "$0")"
tools=${TERRACE_TOOLS:-../../target/tools}
optimize=${OPTIMIZE:--O3}
out=${OUT:-.}

if [ $# -eq 0 ]; then
    # shellcheck disable=SC2012,SC2046
    set -- $(cd src && ls *.c *.wat 2>/dev/null | sed 's/\.[^.]*$//')
fi
for name in "$@"; do
    if [ -f "src/$name.c" ]; then
        flags=$(sed -n 's|^// flags: ||p' "src/$name.c")
        # shellcheck disable=SC2086
        "$tools/bin/wasi-cc" --target=wasm32-unknown-unknown -mcpu=mvp -mmutable-globals -msign-ext \
            -mnontrapping-fptoint -mbulk-memory -mbulk-memory-opt $flags $optimize -std=gnu17 \
            -fno-strict-aliasing -Wall -Wextra -Werror -ffreestanding -nostdlib -Wl,--no-entry -Wl,--export=run \
            -Wl,--strip-all -Wl,--stack-first -Wl,-z,stack-size=262144 "src/$name.c" -o "$out/$name.wasm"
        chmod 644 "$out/$name.wasm"
    else
        "$tools/venv/bin/python" - "src/$name.wat" "$out/$name.wasm" <<'PYTHON'
import sys, wasmtime
source, target = sys.argv[1:]
open(target, "wb").write(wasmtime.wat2wasm(open(source).read()))
PYTHON
    fi
done
