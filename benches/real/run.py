#!/usr/bin/env python3
"""Runs real programs with Terrace and with wasmtime, and compares what they wrote.

    run.py --terrace target/release/terrace [--tier NAME] [--only PROGRAM[/CASE]]…
    run.py --reference-only

Standard output, exit codes and every file of the working directory must be equal, byte for byte. The
programs and wasmtime's results are kept in the cache directory (default target/real); a case is run
again with wasmtime only when the program, the input or wasmtime has changed. Exits with 1 if anything
differs. `tools.sh` installs wasmtime and the C compiler.
"""

import argparse
import filecmp
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from cases import CASES
from fetch import CACHE, HERE, PROGRAMS, TOOLS, Cache

INPUTS = HERE / "cases"
OURS = HERE.parent / "programs"


class Sandbox:
    """The fresh directories of one run of a case."""

    def __init__(self, case, directory, cache):
        shutil.rmtree(directory, ignore_errors=True)
        self.case, self.directory = case, directory
        self.work = directory / "work"
        if (INPUTS / case.program).is_dir():
            shutil.copytree(INPUTS / case.program, self.work)
        else:
            self.work.mkdir(parents=True)
        self.dirs = [(self.work, "/", True)]
        for guest, root in case.roots.items():
            self.dirs.append((cache.roots / case.program / root, guest, False))
        for guest in case.scratch:
            host = directory / f"scratch{guest.replace('/', '-')}"
            host.mkdir()
            self.dirs.append((host, guest, True))

    def stdin(self):
        return INPUTS / self.case.stdin if self.case.stdin else Path(os.devnull)

    def stream(self, name, step):
        return self.directory / f"{name}.{step}"


def tree(directory):
    """Relative paths below a directory, with a mark for what is no plain file."""
    found = {}
    for path in sorted(directory.rglob("*")):
        mark = f" -> {path.readlink()}" if path.is_symlink() else "/" if path.is_dir() else ""
        found[str(path.relative_to(directory))] = mark
    return found


def module_of(case, cache):
    return cache.module(case.program) if case.program in PROGRAMS else OURS / f"{case.program}.wasm"


def inputs_key(case, module):
    """Changes whenever the reference result could."""
    digest = hashlib.sha256(repr(case).encode())
    files = [module, HERE / "reference.py", HERE / "tools.sh", *(p for p in INPUTS.joinpath(case.program).rglob("*"))]
    if case.stdin:
        files.append(INPUTS / case.stdin)
    for path in sorted(p for p in files if p.is_file()):
        with open(path, "rb") as file:
            digest.update(f"{path.name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def reference(case, module, cache):
    """What wasmtime makes of a case: (sandbox directory, exit codes, seconds)."""
    directory = cache.directory / "expected" / case.id
    record = directory / "result.json"
    key = inputs_key(case, module)
    if record.exists():
        result = json.loads(record.read_text())
        if result["key"] == key:
            return directory, result["exits"], result["seconds"]
    python = TOOLS / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([HERE / "tools.sh"], check=True)
    sandbox = Sandbox(case, directory, cache)
    exits, seconds = [], 0.0
    for step, argv in enumerate(case.steps):
        command = {
            "module": str(module),
            "compiled": str(cache.directory / "compiled"),
            "argv": [case.argv0, *argv],
            "env": case.env,
            "dirs": [(str(host), guest, writable) for host, guest, writable in sandbox.dirs],
            "stdin": str(sandbox.stdin()),
            "stdout": str(sandbox.stream("stdout", step)),
            "stderr": str(sandbox.stream("stderr", step)),
        }
        done = subprocess.run([python, HERE / "reference.py"], input=json.dumps(command), check=True, text=True,
                              stdout=subprocess.PIPE)
        result = json.loads(done.stdout)
        exits.append(result["exit"])
        seconds += result["seconds"]
    record.write_text(json.dumps({"key": key, "exits": exits, "seconds": seconds}))
    return directory, exits, seconds


def terrace(case, module, cache, options):
    """What Terrace makes of a case, in the same form; an exit code of None is a timeout."""
    sandbox = Sandbox(case, cache.directory / "actual" / case.id, cache)
    exits, seconds, commands = [], 0.0, []
    for step, argv in enumerate(case.steps):
        command = [str(options.terrace), "run", "--argv0", case.argv0]
        if options.tier:
            command += ["--tier", options.tier]
        for host, guest, writable in sandbox.dirs:
            command += ["--dir", f"{host}::{guest}" + ("" if writable else "::ro")]
        for name, value in case.env.items():
            command += ["--env", f"{name}={value}"]
        command += [str(module), *argv]
        commands.append(f"{shlex.join(command)} <{shlex.quote(str(sandbox.stdin()))}")
        with (
            open(sandbox.stdin(), "rb") as stdin,
            open(sandbox.stream("stdout", step), "wb") as stdout,
            open(sandbox.stream("stderr", step), "wb") as stderr,
        ):
            start = time.monotonic()
            try:
                done = subprocess.run(command, stdin=stdin, stdout=stdout, stderr=stderr, timeout=options.timeout)
                exits.append(done.returncode)
            except subprocess.TimeoutExpired:
                exits.append(None)
            seconds += time.monotonic() - start
    (sandbox.directory / "commands").write_text("\n".join(commands) + "\n")
    return sandbox.directory, exits, seconds


def differences(case, expected, actual):
    """One line for each thing that is not the same in two runs of a case."""
    for step, (want, got) in enumerate(zip(expected[1], actual[1])):
        if want != got:
            yield f"step {step}: exit code {'none: timeout' if got is None else got}, expected {want}"
    pairs = [(f"stdout.{step}", f"stdout.{step}") for step in range(len(case.steps))]
    want, got = tree(expected[0] / "work"), tree(actual[0] / "work")
    for path in sorted(want.keys() | got.keys()):
        if path not in got:
            yield f"missing file {path}{want[path]}"
        elif path not in want:
            yield f"additional file {path}{got[path]}"
        elif want[path] != got[path]:
            yield f"{path}{got[path]}, expected {path}{want[path]}"
        elif not want[path]:
            pairs.append((f"work/{path}", path))
    for path, name in pairs:
        if not filecmp.cmp(expected[0] / path, actual[0] / path, shallow=False):
            want_bytes, got_bytes = (expected[0] / path).read_bytes(), (actual[0] / path).read_bytes()
            common = min(len(want_bytes), len(got_bytes))
            offset = next((i for i in range(common) if want_bytes[i] != got_bytes[i]), common)
            yield f"{name} differs at byte {offset} (sizes {len(got_bytes)}, expected {len(want_bytes)})"


def last_words(directory, steps):
    """The end of what the last step wrote to stderr."""
    text = (directory / f"stderr.{steps - 1}").read_bytes().decode(errors="replace").strip()
    return [f"stderr: {line}" for line in text.splitlines()[-12:]]


def selected(case, only):
    return not only or case.program in only or case.id in only


def main():
    parser = argparse.ArgumentParser(description="Compare real programs under Terrace and wasmtime.")
    parser.add_argument("--terrace", type=Path, default=HERE.parent.parent / "target" / "release" / "terrace")
    parser.add_argument("--tier", help="the tier to ask Terrace for")
    parser.add_argument("--only", action="append", metavar="PROGRAM[/CASE]", help="may be repeated")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--timeout", type=float, default=600, help="seconds for each run of Terrace")
    parser.add_argument("--reference-only", action="store_true", help="only prepare programs and expected output")
    options = parser.parse_args()
    chosen = [case for case in CASES if selected(case, options.only)]
    if not chosen:
        parser.error(f"no such case; there are {', '.join(case.id for case in CASES)}")
    if not options.reference_only and not options.terrace.exists():
        parser.error(f"no {options.terrace}; build it, or name another with --terrace")
    cache = Cache(options.cache)
    options.terrace = options.terrace.resolve()

    print(f"{'case':<20} {'exit':<10} {'wasmtime':>9} {'terrace':>9}  equal")
    failures = 0
    for case in chosen:
        module = module_of(case, cache)
        expected = reference(case, module, cache)
        exits = ",".join(map(str, expected[1]))
        if options.reference_only:
            print(f"{case.id:<20} {exits:<10} {expected[2]:>8.2f}s {'-':>9}  -", flush=True)
            continue
        actual = terrace(case, module, cache, options)
        different = list(differences(case, expected, actual))
        failures += bool(different)
        got = ",".join("timeout" if code is None else str(code) for code in actual[1])
        verdict = "NO" if different else "yes"
        print(f"{case.id:<20} {got:<10} {expected[2]:>8.2f}s {actual[2]:>8.2f}s  {verdict}", flush=True)
        if different:
            for line in different[:12] + last_words(actual[0], len(case.steps)):
                print(f"    {line}")
            print(f"    compare {expected[0]} and {actual[0]}")
    if not options.reference_only:
        print(f"{len(chosen) - failures} of {len(chosen)} cases equal")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
