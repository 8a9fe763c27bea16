#!/usr/bin/env python3
"""Checks the workloads' expected results, and shows how long each takes in the reference runtime.

    target/tools/venv/bin/python benches/workloads/check.py [--others] [name...]

Runs every workload of manifest.toml in wasmtime with n and n_small. With --others each result must also come
from two more builds of the same source, so that it is right and not merely recorded: an unoptimised one for
wasm (n_small only) and, where the source is C, a native one by the host's `cc`.
"""

import os
import subprocess
import sys
import tempfile
import time
import tomllib

import wasmtime

HERE = os.path.dirname(os.path.abspath(__file__))
HARNESS = """#include "%s"
int printf(const char *, ...);
long long strtoll(const char *, char **, int);
int main(int count, char **arguments) {
    for (int i = 1; i < count; i++) printf("%%lld\\n", run((i32)strtoll(arguments[i], (char **)0, 10)));
}
"""


def in_wasmtime(path, *arguments):
    """[(result, seconds)] of runs in one instance."""
    config = wasmtime.Config()
    config.wasm_exceptions = True
    config.wasm_tail_call = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    module = wasmtime.Module.from_file(engine, path)
    assert not module.imports, f"{path} has imports"
    run = wasmtime.Instance(store, module, []).exports(store)["run"]
    runs = []
    for argument in arguments:
        start = time.perf_counter()
        result = run(store, argument)
        runs.append((str(result), time.perf_counter() - start))
    return runs


def native(source, arguments):
    """The results of a build for the host, or None if `cc` cannot build the source."""
    with tempfile.TemporaryDirectory() as folder:
        harness = os.path.join(folder, "main.c")
        with open(harness, "w") as file:
            file.write(HARNESS % source)
        options = ["-O1", "-w", "-fwrapv", "-fno-strict-aliasing", "-ffp-contract=off"]
        command = ["cc", *options, harness, "-o", folder + "/main", "-lm"]
        if subprocess.run(command, capture_output=True).returncode:
            return None
        output = subprocess.run([folder + "/main", *map(str, arguments)], capture_output=True, text=True)
        return output.stdout.split()


def main():
    names = [argument for argument in sys.argv[1:] if argument != "--others"]
    with open(os.path.join(HERE, "manifest.toml"), "rb") as file:
        workloads = tomllib.load(file)["workload"]
    wrong = 0
    for workload in workloads:
        name = workload["name"]
        if names and name not in names:
            continue
        path = os.path.join(HERE, workload["file"])
        wanted = (workload["expected"], workload["expected_small"])
        # In one instance, so that a run that depended on what the one before it left behind would show.
        (small, small_seconds), (full, seconds), again = in_wasmtime(
            path, workload["n_small"], workload["n"], workload["n_small"]
        )
        verdicts = {"wasm": (full, small) == wanted, "again": again[0] == small}
        if "--others" in sys.argv:
            source = os.path.join(HERE, "src", name + ".c")
            if os.path.exists(source):
                results = native(source, (workload["n"], workload["n_small"]))
                if results is not None:
                    verdicts["native"] = tuple(results) == wanted
                with tempfile.TemporaryDirectory() as folder:
                    environment = {**os.environ, "OPTIMIZE": "-O0", "OUT": folder}
                    subprocess.run([os.path.join(HERE, "build.sh"), name], env=environment, check=True)
                    ((result, _),) = in_wasmtime(os.path.join(folder, name + ".wasm"), workload["n_small"])
                    verdicts["-O0"] = result == wanted[1]
        line = " ".join(f"{build}:{'ok' if good else 'WRONG'}" for build, good in verdicts.items())
        print(f"{name:16} {seconds * 1e3:8.1f} ms {small_seconds * 1e3:8.3f} ms  {line}", flush=True)
        if not all(verdicts.values()):
            wrong += 1
            print(f'    n = {workload["n"]}: "{full}"; n_small = {workload["n_small"]}: "{small}"')
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
