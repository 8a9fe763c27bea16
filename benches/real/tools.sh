#!/bin/sh
# Installs what builds and checks the real programs, without touching the system's own directories:
# clang and lld for WASI (unpacked Debian packages) and the reference runtime (Python's wasmtime).
#
#   [TERRACE_TOOLS=/some/dir] benches/real/tools.sh      (default: target/tools in the repository)
#
# The mirrors are the ones that the system's own apt sources name. Wanted: a Debian bookworm or newer on
# amd64; elsewhere, put a `wasi-cc` of your own into $TERRACE_TOOLS/bin.
set -eu
tools=${TERRACE_TOOLS:-$(dirname "$0")/../../target/tools}
mkdir -p "$tools/bin"
tools=$(cd "$tools" && pwd -P)

if [ ! -x "$tools/venv/bin/python" ] || ! "$tools/venv/bin/python" -c 'import wasmtime' 2>/dev/null; then
    python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install --quiet wasmtime==50.0.1
fi

if [ ! -x "$tools/bin/wasi-cc" ]; then
    apt=$tools/apt
    prefix=$tools/prefix
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs" "$prefix"

    # The compiler comes from this release's security suite where that has it; wasi-libc from sid.
    uris=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' \
        /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | tr ' ' '\n' | sort -u)
    main=$(echo "$uris" | grep '/debian/*$' | head -1)
    security=$(echo "$uris" | grep '/debian-security/*$' | head -1)
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
    cat >"$apt/sources.list" <<EOF
deb $signed $main $release main
deb $signed $main sid main
deb $signed $security $release-security main
EOF
    set -- -q -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root
    apt-get "$@" update
    version=$(apt-cache "$@" madison clang-22 | awk -v suite="$release" '$0 ~ suite { print $3; exit }')
    cd "$apt/debs"
    for package in clang-22 lld-22 libllvm22 libclang-cpp22 libclang1-22 libclang-common-22-dev \
        libclang-rt-22-dev-wasm32; do
        apt-get "$@" download "$package=$version"
    done
    apt-get "$@" download libz3-4/"$release" wasi-libc/sid
    for deb in ./*.deb; do dpkg -x "$deb" "$prefix"; done

    cat >"$tools/bin/wasi-cc" <<EOF
#!/bin/sh
# clang for wasm32-wasip1 with the sysroot beside it; no wasm-opt, whatever PATH holds.
export LD_LIBRARY_PATH=$prefix/usr/lib/x86_64-linux-gnu
exec $prefix/usr/bin/clang-22 --target=wasm32-wasip1 --no-wasm-opt -fuse-ld=$prefix/usr/bin/wasm-ld-22 \\
    --sysroot=$prefix/usr -isystem $prefix/usr/include/wasm32-wasip1 -L$prefix/usr/lib/wasm32-wasip1 \\
    -B$prefix/usr/lib/wasm32-wasip1 -resource-dir $prefix/usr/lib/llvm-22/lib/clang/22 "\$@"
EOF
    chmod +x "$tools/bin/wasi-cc"
fi
"$tools/bin/wasi-cc" --version | head -1
"$tools/venv/bin/pip" list 2>/dev/null | grep '^wasmtime'
