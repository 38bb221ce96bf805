"""weft and its peers beside busy neighbours (compare_peers.sh --busy).

A neighbour is a process that computes for ever in a session of its own, as another program does: Linux shares the cores
between sessions first. Programs take turns, a few runs each; the median of all runs counts, as a wait for a core is not
what the shortest run shows. Weft runs on one thread as well, since more threads must not be slower than that.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

import workers
from prepare import ARCHITECTURES, BATCH, Files
from report import COLUMNS, number, replace_between, replace_file
from workers import PEERS

NEIGHBOURS = (0, 1, 2)
THREADS = 2
RUNS_IN_TURN = 5
TRAINING_SIZE = 192
TITLES = {"mobilenet_v2": "MobileNetV2 U-Net", "resnet34": "ResNet34 U-Net"}
NOISE = 1.03  # between medians of programs that do the same
ALONE_BOUND = 1.1

# Ends with its parent, also where that was killed.
BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n for _ in range(1000000): pass"


@contextlib.contextmanager
def neighbours(count):
    processes = [subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True) for _ in range(count)]
    try:
        time.sleep(0.3 if count else 0)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@dataclass
class BusyRow:
    """Medians in ms; of a peer that is missing the value is None, and what a peer does not do is not in `peers`."""
    what: str
    neighbours: int
    one_thread: float
    two_threads: float
    one_thread_alone: float
    peers: dict = field(default_factory=dict)

    def shortcomings(self):
        """What the row misses of the targets; an idle machine has other tables."""
        if self.neighbours == 0:
            return []
        missed = []
        if self.two_threads > self.one_thread * NOISE:
            missed.append("slower than one thread")
        if self.neighbours == 1 and self.two_threads > self.one_thread_alone * ALONE_BOUND:
            missed.append(f"more than {ALONE_BOUND:g} times one thread alone")
        missed += [f"slower than {name}" for name, ms in self.peers.items() if ms is not None and ms < self.two_threads]
        return missed


def take_turns(programs, rounds):
    """The median of each, after one turn that warms up and does not count."""
    for turn in range(rounds + 1):
        for program in programs:
            time.sleep(workers.PAUSE_SECONDS)
            times = [program.ask("run")["ms"] for _ in range(RUNS_IN_TURN)]
            program.ms = program.ms + times if turn > 0 else []
    return [statistics.median(program.ms) for program in programs]


def measure(comparison, what, weft_of, peers_of, rounds):
    """The rows of one kind of work: weft_of(threads) starts weft, and each of peers_of a peer or gives None."""
    started = {name: start() for name, start in peers_of.items()}
    peers = {name: worker for name, worker in started.items() if worker}
    programs = [weft_of(1), weft_of(THREADS), *peers.values()]
    if None in programs:
        sys.exit(f"error: bench_unet: {comparison.missing['weft']}")
    alone = None
    for count in NEIGHBOURS:
        with neighbours(count):
            one, two, *others = take_turns(programs, rounds)
        alone = alone or one
        times = {name: None for name in started} | dict(zip(peers, others))
        comparison.busy_rows.append(BusyRow(what, count, one, two, alone, times))
    for program in programs:
        program.close()


def run(comparison, options, rounds, say):
    """All rows; returns whether the targets are met."""
    comparison.busy_rows = []
    training_files = Files(options.build, TRAINING_SIZE)
    training_files.prepare()
    for arch in ARCHITECTURES:
        say(f"inference beside neighbours, {arch}")
        measure(comparison, f"inference, {TITLES[arch]}", lambda threads: comparison.start("weft", workers.weft, arch, threads),
                {name: lambda function=function: comparison.start(name, function, arch, THREADS)
                 for name, function in PEERS.items()}, rounds)
        write(comparison, options, rounds, is_complete=False)
    comparison.files = training_files
    for arch in ARCHITECTURES:
        say(f"training step beside neighbours, {arch}")
        measure(comparison, f"training step, {BATCH} of {TRAINING_SIZE}x{TRAINING_SIZE}, {TITLES[arch]}",
                lambda threads: comparison.start("weft", workers.weft, arch, threads, mode="train", batch=BATCH),
                {"PyTorch": lambda: comparison.start("PyTorch", workers.pytorch, arch, THREADS, mode="train", batch=BATCH)},
                rounds)
    write(comparison, options, rounds)
    return not any(row.shortcomings() for row in comparison.busy_rows)


def markdown(comparison, rounds):
    with open("/proc/cpuinfo") as file:
        processor = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown processor")
    lines = [f"Measured {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())} on {processor}, {len(os.sched_getaffinity(0))} cores. "
             f"Milliseconds, the median of {rounds * RUNS_IN_TURN} runs, programs in turn; peers with {THREADS} threads. A neighbour is a "
             f"process that computes for ever, in a session of its own. Target beside neighbours: {THREADS} threads no slower than one "
             f"in the same minutes (within {NOISE - 1:.0%}, which is noise) and no slower than any peer; beside one neighbour also at most "
             f"{ALONE_BOUND:g} times one thread alone.", ""]
    lines += [f"- {name}: {version}" for name, version in comparison.versions.items()]
    lines += [f"- {name} is missing: {reason}" for name, reason in comparison.missing.items()]
    lines += ["", "| what | neighbours | weft, 1 thread | weft, 2 threads | " + " | ".join(COLUMNS) +
              " | 2 threads over 1 | over 1 alone | |", "| --- " * (len(COLUMNS) + 7) + "|"]
    for row in comparison.busy_rows:
        cells = [number(row.peers[name]) if name in row.peers else "" for name in COLUMNS]
        verdict = "" if row.neighbours == 0 else "; ".join(row.shortcomings()) or "met"
        lines.append(f"| {row.what} | {row.neighbours} | {number(row.one_thread)} | {number(row.two_threads)} | " + " | ".join(cells) +
                     f" | {row.two_threads / row.one_thread:.2f} | {row.two_threads / row.one_thread_alone:.2f} | {verdict} |")
    return "\n".join(lines) + "\n"


def write(comparison, options, rounds, is_complete=True):
    text = markdown(comparison, rounds)
    if not is_complete:
        text = "**Incomplete:** rows are still missing.\n\n" + text
    replace_file(os.path.join(comparison.files.build, "peers", "compare-busy.md"), text)
    if is_complete:
        print(text, flush=True)
        if options.docs:
            replace_between(options.docs, "peers-busy", text)
