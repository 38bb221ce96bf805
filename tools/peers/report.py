"""The comparison's rows as a table in markdown, and as json."""

import json
import os
import subprocess
import time
from dataclasses import dataclass, field

COLUMNS = ("PyTorch", "ONNX Runtime", "OpenCV")


@dataclass
class Row:
    """One line of the table; of a peer that is missing the value is None. The target is for the ratio peer / weft
    (times) or weft / peer (memory), for the fastest or smallest peer. An absolute target is for weft's own value."""
    what: str
    threads: int
    unit: str
    weft: float
    peers: dict = field(default_factory=dict)
    at_least: float = None
    at_most: float = None
    is_absolute: bool = False

    def best_peer(self):
        return min((value for value in self.peers.values() if value is not None), default=None)

    def measure(self):
        """What the target is for; None where no peer is there to compare with."""
        if self.is_absolute:
            return self.weft
        best = self.best_peer()
        if best is None:
            return None
        return best / self.weft if self.at_least else self.weft / best

    def is_met(self):
        measure = self.measure()
        if measure is None:
            return None
        return measure >= self.at_least if self.at_least else measure <= self.at_most

    def target(self):
        bound = f"at least {self.at_least:g}" if self.at_least else f"at most {self.at_most:g}"
        return f"{bound} {self.unit}" if self.is_absolute else f"{bound} x"

    def ratio(self):
        best = self.best_peer()
        return "" if best is None else f"{best / self.weft if self.unit == 'ms' else self.weft / best:.2f}"


def number(value):
    return "missing" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def table(comparison):
    lines = ["| what | threads | unit | weft | " + " | ".join(COLUMNS) + " | ratio | target | |",
             "| --- " * (len(COLUMNS) + 7) + "|"]
    for row in comparison.rows:
        cells = [number(row.peers[name]) if name in row.peers else "" for name in COLUMNS]
        verdict = {True: "met", False: "missed", None: "no peer"}[row.is_met()]
        lines.append(f"| {row.what} | {row.threads} | {row.unit} | {number(row.weft)} | " + " | ".join(cells) +
                     f" | {row.ratio()} | {row.target()} | {verdict} |")
    return "\n".join(lines)


def machine(files):
    """Processor, instruction set and rates, as bench_unet measures them, for each number of threads."""
    text = subprocess.run([files.program("bench_unet"), "--size", "32", "--iters", "1", "--layers", "--json", "--threads", "2"],
                          capture_output=True, text=True, check=True).stdout
    roofline = json.loads(text)["roofline"]
    del roofline["layers"]
    return roofline


def markdown(comparison, facts, rounds):
    about = [f"Measured {facts['date']} on {facts['processor']}, {facts['cores']} cores, weft with {facts['isa']}; two threads do "
             f"{facts['peak_gflops']:.0f} GFLOP/s in registers and move {facts['memory_gb_s']:.0f} GB/s. {facts['size']}x{facts['size']}, the shortest of "
             f"{rounds} runs in turn. Ratio: the fastest peer's time over weft's, or weft's memory over PyTorch's.", ""]
    if facts["is_avx2_only"]:
        about.insert(1, "All but ONNX Runtime, which has no switch for it, were held to AVX2.\n")
    about += [f"- {name}: {version}" for name, version in comparison.versions.items()]
    about += [f"- {name} is missing: {reason}" for name, reason in comparison.missing.items()]
    worst = max(comparison.checks, key=lambda check: check["difference"] / check["tolerance"], default=None)
    if worst:
        agreeing = sum(check["is_met"] for check in comparison.checks)
        about.append(f"- outputs agree: {agreeing} of {len(comparison.checks)} checks; nearest to its tolerance of "
                     f"{worst['tolerance']:g}: {worst['difference']:.1e} ({worst['what']})")
    return "\n".join(about) + "\n\n" + table(comparison) + "\n"


def command_text(files, *arguments):
    result = subprocess.run([files.program("bench_unet"), *arguments], capture_output=True, text=True, check=True)
    return f"bench_unet {' '.join(arguments)}\n\n{result.stdout}"


def details(files):
    """The roofline tables and the table of growth, as bench_unet prints them."""
    texts = [command_text(files, "--arch", arch, "--mode", mode, "--threads", "1", "--iters", "3", "--layers")
             for arch in ("mobilenet_v2", "resnet34") for mode in ("infer", "train")]
    texts.append(command_text(files, "--scaling", "--threads", "2", "--iters", "3"))
    return "\n".join(f"```\n{text}```\n" for text in texts)


def replace_file(path, text):
    """The old content or the new, also where the run ends in between."""
    with open(path + ".part", "w") as file:
        file.write(text)
    os.replace(path + ".part", path)


def replace_between(path, name, content):
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    with open(path) as file:
        text = file.read()
    head, rest = text.split(begin)
    tail = rest.split(end)[1]
    replace_file(path, f"{head}{begin}\n{content}\n{end}{tail}")


def write(comparison, options, rounds, is_complete=True):
    """Writes the tables to the build folder; complete ones also to stdout and, where wanted, into the documentation.
    A table that is not complete says so: it is what an interrupted run leaves."""
    files = comparison.files
    if comparison.facts is None:  # measured once, before the first table
        comparison.facts = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
                            "cores": len(os.sched_getaffinity(0)), "rounds": rounds, "size": options.size, "is_avx2_only": options.avx2, **machine(files)}
    facts = {**comparison.facts, "is_complete": is_complete}
    text = markdown(comparison, facts, rounds)
    if not is_complete:
        text = "**Incomplete:** rows are still missing.\n\n" + text
    rows = [{"what": row.what, "threads": row.threads, "unit": row.unit, "weft": row.weft, "peers": row.peers,
             "measure": row.measure(), "target": row.target(), "is_met": row.is_met()} for row in comparison.rows]
    name = os.path.join(files.build, "peers", "compare-avx2" if options.avx2 else "compare")
    replace_file(name + ".json",
                 json.dumps({**facts, "versions": comparison.versions, "missing": comparison.missing,
                             "checks": comparison.checks, "rows": rows}, indent=1))
    replace_file(name + ".md", text)
    if not is_complete:
        return
    print(text, flush=True)
    if options.docs:
        replace_between(options.docs, "peers-avx2" if options.avx2 else "peers", text)
        if not options.avx2:
            replace_between(options.docs, "layers", details(files))
