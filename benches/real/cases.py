"""The cases: what each real program is asked to do. Inputs lie in cases/PROGRAM/.

Every case starts in a fresh directory, a copy of cases/PROGRAM/ if that is there, which the program sees as `/`. Sized for
about a second of compiled code, so that a slow interpreter is done within two minutes. Nothing in the
output may depend on time, on random numbers or on the host.
"""

from dataclasses import dataclass, field


@dataclass
class Case:
    """One or more runs of a program, in order and in the same directory."""

    program: str
    name: str
    steps: list[list[str]]
    argv0: str = ""
    stdin: str = ""  # a file below cases/; empty input without it
    env: dict[str, str] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)  # guest path: read-only directory below roots/PROGRAM
    scratch: list[str] = field(default_factory=list)  # guest paths of writable directories that are not compared

    def __post_init__(self):
        self.argv0 = self.argv0 or self.program

    @property
    def id(self):
        return f"{self.program}/{self.name}"


YOSYS = {"argv0": "yosys", "roots": {"/share": ""}, "scratch": ["/tmp"]}
CLANG = {"argv0": "llvm", "roots": {"/usr": ""}}
PYTHON = {"env": {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "MODE": "bench"}}

CC1 = ["clang", "-cc1", "-triple", "wasm32-unknown-wasip1"]
C_HEADERS = ["-internal-isystem", "/usr/include", "-internal-isystem", "/usr/include/wasm32-wasip1"]
CXX_HEADERS = ["-internal-isystem", "/usr/include/wasm32-wasip1/c++/v1", "-internal-isystem", "/usr/include/c++/v1"]

CASES = [
    Case("wordcount", "files", [["one.txt", "two.txt"], ["missing.txt", "one.txt"]]),
    Case("wordcount", "stdin", [[]], stdin="wordcount/two.txt"),
    Case("primes", "sieve", [["8000000"], ["0"]]),
    Case("yosys", "counter", [
        ["-Q", "-T", "-f", "verilog", "-p", "synth -top counter -noabc; write_json counter.json; write_verilog -", "-"],
    ], stdin="yosys/counter.v", **YOSYS),
    Case("yosys", "cpu", [["-q", "-s", "synth.ys"]], **YOSYS),
    Case("clang", "assembly", [[*CC1, "-S", "-O2", *C_HEADERS, "main.c", "-o", "main.s"]], **CLANG),
    Case("clang", "link", [
        [*CC1, "-emit-obj", "-O2", *C_HEADERS, "main.c", "-o", "main.o"],
        ["wasm-ld", "-L/usr/lib/wasm32-wasip1", "/usr/lib/wasm32-wasip1/crt1.o", "main.o", "-lc",
         "/usr/lib/wasm32-unknown-wasip1/libclang_rt.builtins.a", "-o", "main.wasm"],
    ], **CLANG),
    Case("clang", "c++", [[*CC1, "-S", "-O2", "-std=c++20", *CXX_HEADERS, *C_HEADERS, "list.cc", "-o", "list.s"]], **CLANG),
    Case("clang", "stdin", [[*CC1, "-emit-llvm", "-O1", *C_HEADERS, "-x", "c", "-", "-o", "-"]],
         stdin="clang/main.c", **CLANG),
    Case("python", "report", [["report.py", "out"]], stdin="python/records.jsonl", **PYTHON),
    Case("python", "inline", [["-c", "import sys; print(sys.version_info[:2], sum(map(len, sys.stdin)))"]],
         stdin="python/records.jsonl", **PYTHON),
    Case("ruby", "report", [["report.rb", "out"]], stdin="python/records.jsonl", env={"MODE": "bench"}),
    Case("sqlite", "orders", [["orders.db"]], stdin="sqlite/orders.sql"),
    Case("sqlite", "reopen", [["orders.db"], ["orders.db"]], stdin="sqlite/reopen.sql"),
    Case("lua", "work", [["work.lua", "out.txt", "6", "8", "9", "10", "11"]], stdin="lua/work.lua", env={"MODE": "bench"}),
]
