#!/usr/bin/env python3
"""Writes startup.txt: the functions that a run goes through (Linux on x86-64, with `nm`).

    cargo build --release
    src/cli/startup.py target/release/terrace run --dir . --env WHO=you benches/programs/tour.wasm one two

Every function of the program gets a breakpoint that goes away when it is first hit. Of each function that was hit, the symbol
is written with a wildcard for what differs between compilations.
"""

import ctypes
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

TRACEME, GETREGS, CONT, SETREGS = 0, 12, 7, 13
RIP = 16
LIBC = ctypes.CDLL(None, use_errno=True)
# Those of the assembled interpreter are in one piece already.
ASSEMBLED = "terrace_interp"


def ptrace(request, pid=0, data=None):
    """Calls ptrace and fails if it fails."""
    LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if LIBC.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace request {request}")


def functions(program):
    """The program's functions, by address."""
    listing = subprocess.run(["nm", "--defined-only", program], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in listing.splitlines():
        address, kind, name = line.split(maxsplit=2)
        if kind in "tTwW" and not name.startswith(ASSEMBLED):
            found.setdefault(int(address, 16), []).append(name)
    return found


def start(command):
    """Starts the program, stopped at its first instruction."""
    pid = os.fork()
    if pid == 0:
        ptrace(TRACEME)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execv(command[0], command)
    os.waitpid(pid, 0)
    return pid


def run(command):
    """Runs the program and returns the addresses, in the file, of the functions that it enters."""
    entries = functions(command[0])
    pid = start(command)
    program = os.path.realpath(command[0])
    maps = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    base = min(int(fields[0].split("-")[0], 16) for fields in maps if fields[-1] == program)
    memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    saved = {base + address: os.pread(memory, 1, base + address) for address in entries}
    for address in saved:
        os.pwrite(memory, b"\xcc", address)
    hit = set()
    registers = (ctypes.c_ulonglong * 27)()
    pending = 0
    while True:
        ptrace(CONT, pid, pending)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            break
        pending = os.WSTOPSIG(status)
        ptrace(GETREGS, pid, registers)
        address = registers[RIP] - 1
        if pending == signal.SIGTRAP and address in saved:
            os.pwrite(memory, saved[address], address)
            registers[RIP] = address
            ptrace(SETREGS, pid, registers)
            hit.add(address - base)
            pending = 0
    if status != 0:
        sys.exit(f"the program ended with status {status}")
    return [name for address in hit for name in entries[address]]


def pattern(symbol):
    """The symbol, whatever its hashes are."""
    if symbol.startswith("_ZN"):
        return re.sub("17h[0-9a-f]{16}E.*", "17h*", symbol)
    if symbol.startswith("_R"):
        return re.sub("Cs[0-9A-Za-z]+_", "Cs*_", symbol.split(".")[0]) + "*"
    return symbol if symbol == "main" else None


def main():
    """Records one run."""
    patterns = {pattern(symbol) for symbol in run(sys.argv[1:])} - {None}
    Path(__file__).with_name("startup.txt").write_text("".join(f"{line}\n" for line in sorted(patterns)))


main()
