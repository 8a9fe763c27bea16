"""Reads records as JSON lines from stdin, writes a report, a CSV file and a checksum file."""

import csv
import hashlib
import json
import os
import re
import sys
import zlib
from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path


def primes(limit):
    sieve = bytearray([1]) * limit
    for i in range(2, int(limit**0.5) + 1):
        if sieve[i]:
            sieve[i * i :: i] = bytes(len(range(i * i, limit, i)))
    return [i for i in range(2, limit) if sieve[i]]


class Tree:
    """An unbalanced search tree, for allocation and recursion."""

    def __init__(self, key):
        self.key, self.left, self.right = key, None, None

    def insert(self, key):
        side = "left" if key < self.key else "right"
        child = getattr(self, side)
        if child is None:
            setattr(self, side, Tree(key))
        else:
            child.insert(key)

    def __iter__(self):
        if self.left:
            yield from self.left
        yield self.key
        if self.right:
            yield from self.right


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    records = [json.loads(line) for line in sys.stdin]
    totals = defaultdict(Decimal)
    words = Counter()
    for record in records:
        totals[record["city"]] += Decimal(record["amount"])
        words.update(re.findall(r"\w+", record["note"].lower()))

    with open(out / "totals.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["city", "total"])
        writer.writerows(sorted(totals.items()))
    summary = {
        "records": len(records),
        "words": words.most_common(5),
        "mean": str(sum(totals.values()) / len(records)),
        "ratio": str(sum(Fraction(1, n) for n in range(1, 40))),
        "mode": os.environ.get("MODE"),
        "argv": sys.argv,
    }
    (out / "summary.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False))

    state, tree = 1, Tree(50000)
    for _ in range(12000):
        state = state * 48271 % 0x7FFFFFFF
        tree.insert(state % 100000)
    keys = list(tree)
    assert keys == sorted(keys)
    found = primes(400000)
    blob = json.dumps([found, keys]).encode()
    packed = zlib.compress(blob, 6)
    assert zlib.decompress(packed) == blob
    (out / "primes.z").write_bytes(packed)
    os.rename(out / "primes.z", out / "primes.bin")
    with open(out / "primes.bin", "r+b") as file:
        file.seek(-4, os.SEEK_END)
        tail = file.read()
        file.truncate(len(packed) - 4)

    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}" for p in sorted(out.iterdir())]
    (out / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    print(f"{len(records)} records, {len(found)} primes, {len(packed)} bytes packed, tail {tail.hex()}")
    print("\n".join(lines))
    try:
        open("/nowhere/file")
    except OSError as error:
        print(type(error).__name__, error.strerror)
    print("π ≈ %.15f" % (4 * sum((-1) ** k / (2 * k + 1) for k in range(300000))), file=sys.stderr)
    return 3


if __name__ == "__main__":
    sys.exit(main())
