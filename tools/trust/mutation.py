#!/usr/bin/env python3
"""Do the tests notice a wrong kernel or gradient? Changes one place of core/ops or core/kernels at a time (flips a sign,
drops a term or factor, shifts an index, moves a bound), builds test_core with it and runs the tests of that file, then all.

    mutation.py BUILD_FOLDER [--mutants 100] [--seed 1] [--work FOLDER] [--minutes N] [--files TEXT]

Prints one line for each mutant, "caught|survived FILE:LINE OLD -> NEW", and "total CAUGHT ALL" at the end. Places are
drawn by a hash of the seed and the place, so a run can be repeated. A mutant that doesn't compile, or compiles to the
same object, is none and another one is drawn. With --minutes it stops after so many, with the mutants it has.
Known equivalents, which no test can notice, are listed in tools/trust/mutation_equivalent.txt as "FILE: OLD -> NEW".
"""

import argparse
import glob
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time

RULES = [  # (name, pattern, replacement); one match is one place
    ("sign", r"(?<=[\w\])]) \+ (?=[\w(])", " - "),
    ("sign", r"(?<=[\w\])]) - (?=[\w(])", " + "),
    ("sign", r"\+=", "-="),
    ("sign", r"= -(?=[\w(])", "= "),
    ("term", r"(?<=[\w\])]) [+-] [\w.]+(\[[^\[\]]*\]|\([^()]*\))?(?=[;,)\]])", ""),
    ("term", r"(?<=[\w\])]) \* [\w.]+(\[[^\[\]]*\]|\([^()]*\))?(?=[;,)\] ])", ""),
    ("index", r"\[(\w+)\](?! *[({])", r"[\1 + 1]"),
    ("bound", r"(?<=\w) < (?=[\w(]+[^;]*;)", " <= "),
    ("bound", r"= 0;(?=.*[<!].*;)", "= 1;"),
]
NOT_CODE = re.compile(r"^\s*(//|#|WEFT_CHECK|fail\(|template|using|case \")|WEFT_CHECK")


def places(root, text):
    """All (file, line number, old line, new line) that the rules give."""
    files = [f for pattern in ("core/ops/*.cpp", "core/kernels/*.cpp", "core/kernels/isa/*.cpp")
             for f in glob.glob(os.path.join(root, pattern)) if not f.endswith(("isa.cpp", "table.cpp"))]
    for path in sorted(files):
        name = os.path.relpath(path, root)
        if text and text not in name:
            continue
        for number, line in enumerate(open(path), 1):
            if NOT_CODE.search(line):
                continue
            code = line.split("//")[0]
            for _, pattern, replacement in RULES:
                for match in re.finditer(pattern, code):
                    new = code[:match.start()] + match.expand(replacement) + code[match.end():]
                    yield name, number, line, new.rstrip() + "\n"


def draw(root, seed, text):
    key = lambda p: hashlib.sha256(f"{seed} {p[0]} {p[2]} {p[3]}".encode()).digest()
    return sorted(places(root, text), key=key)


def best_isa():
    flags = open("/proc/cpuinfo").read() if os.path.exists("/proc/cpuinfo") else ""
    return "avx512" if "avx512vl" in flags else "avx2" if "avx2" in flags else "portable"


class Builder:
    def __init__(self, build, work, root):
        self.build, self.work, self.root = build, work, root
        self.commands = {}
        for entry in json.load(open(os.path.join(build, "compile_commands.json"))):
            name = os.path.relpath(entry["file"], root)
            if "/isa/" in name and f"weft_isa_{best_isa()}.dir" not in entry["command"]:
                continue
            self.commands[name] = entry["command"]
        listed = subprocess.run(["ninja", "-C", build, "-t", "commands", "tests/test_core"], check=True,
                                capture_output=True, text=True).stdout
        self.link = next(c for c in reversed(listed.splitlines()) if "-o tests/test_core " in c)

    def compile(self, name, source):
        """The object file of `source` in place of the file `name`, or None."""
        path, target = os.path.join(self.work, "mutant.cpp"), os.path.join(self.work, "mutant.o")
        open(path, "w").write(source)
        words = shlex.split(self.commands[name])
        words[words.index("-o") + 1] = target
        words[words.index("-c") + 1] = path
        words = [w for w in words if w not in ("ccache", "-MD", "-Werror")] + ["-I" + os.path.dirname(
            os.path.join(self.root, name)), "-w"]
        for flag in ("-MT", "-MF"):
            if flag in words:
                at = words.index(flag)
                del words[at:at + 2]
        done = subprocess.run(words, cwd=self.build, capture_output=True)
        return target if done.returncode == 0 else None

    def test_program(self, mutant):
        """test_core with the mutant's object in front of the library, whose own object is then not taken."""
        program = os.path.join(self.work, "test_core")
        command = self.link.replace("-o tests/test_core ", f"{mutant} -o {program} ")
        subprocess.run(command, cwd=self.build, shell=True, check=True, capture_output=True)
        return program


def fails(program, arguments, root, seconds):
    """True where the tests notice: they fail, crash or hang."""
    try:
        done = subprocess.run([program, "-a", *arguments], cwd=root, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--mutants", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--work", default="/tmp")
    parser.add_argument("--files", default="")
    options = parser.parse_args()
    root = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
    builder = Builder(os.path.realpath(options.build), options.work, root)
    listed = os.path.join(root, "tools/trust/mutation_equivalent.txt")
    equivalent = {line.strip() for line in open(listed)} if os.path.exists(listed) else set()

    caught = total = 0
    unchanged = {}  # file -> its object without a mutation
    start = time.monotonic()
    for name, number, old, new in draw(root, options.seed, options.files):
        if total == options.mutants or time.monotonic() - start > 60 * options.minutes:
            break
        what = f"{old.strip()} -> {new.strip()}"
        if f"{name}: {what}" in equivalent:
            continue
        lines = open(os.path.join(root, name)).readlines()
        if name not in unchanged:
            unchanged[name] = open(builder.compile(name, "".join(lines)), "rb").read()
        lines[number - 1] = new
        mutant = builder.compile(name, "".join(lines))
        if mutant is None or open(mutant, "rb").read() == unchanged[name]:
            continue
        program = builder.test_program(mutant)
        stem = os.path.splitext(os.path.basename(name))[0]
        total += 1
        stages = [["-#", f"[#test_{stem}]"], ["[ops],[conv],[batch_norm],[kernels],[isa]"], []]
        noticed = any(fails(program, stage, root, 900) for stage in stages)
        caught += noticed
        print("caught  " if noticed else "survived", f"{name}:{number} {what}", flush=True)
    print("total", caught, total)


if __name__ == "__main__":
    sys.exit(main())
