"""Runs one WASI command with wasmtime, as a library; a helper process of run.py.

    python reference.py <COMMAND.json >RESULT.json

COMMAND: module, compiled (where the compiled form is kept), argv, env, dirs (host, guest, writable),
stdin, stdout and stderr (paths). RESULT: the exit code and the seconds without compilation; a trap has
exit code 134.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

import wasmtime


def load(engine, path, compiled):
    """The module, compiled at most once for the same bytes and the same wasmtime."""
    wasm = Path(path).read_bytes()
    library = Path(wasmtime.__file__).parent
    version = sorted(p.name for p in library.parent.glob("wasmtime-*.dist-info"))
    key = hashlib.sha256(wasm + repr(version).encode()).hexdigest()[:16]
    kept = Path(compiled) / f"{Path(path).stem}-{key}.cwasm"
    if kept.exists():
        return wasmtime.Module.deserialize_file(engine, str(kept))
    module = wasmtime.Module(engine, wasm)
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(f".{os.getpid()}")
    part.write_bytes(module.serialize())
    os.replace(part, kept)
    return module


def run(command):
    config = wasmtime.Config()
    config.wasm_exceptions = True
    engine = wasmtime.Engine(config)
    module = load(engine, command["module"], command["compiled"])
    wasi = wasmtime.WasiConfig()
    wasi.argv = command["argv"]
    wasi.env = list(command["env"].items())
    wasi.stdin_file = command["stdin"]
    wasi.stdout_file = command["stdout"]
    wasi.stderr_file = command["stderr"]
    for host, guest, writable in command["dirs"]:
        wasi.preopen_dir(host, guest, writable)
    store = wasmtime.Store(engine)
    store.set_wasi(wasi)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    status = 0
    start = time.monotonic()
    try:
        linker.instantiate(store, module).exports(store)["_start"](store)
    except wasmtime.ExitTrap as exit:
        status = exit.code
    except (wasmtime.Trap, wasmtime.WasmtimeError) as trap:
        with open(command["stderr"], "a") as err:
            print(trap, file=err)
        status = 134
    return {"exit": status, "seconds": time.monotonic() - start}


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
