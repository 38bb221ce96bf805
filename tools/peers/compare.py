"""weft beside PyTorch, ONNX Runtime and OpenCV (tools/compare_peers.sh starts this). Exit status 1 where outputs disagree,
with --busy where a target is missed.

  inference       both networks, 512x512, batch 1, the same weights and input, 1 and 2 threads
  training step   both networks, 512x512, batch 4: forward, 0.5 Dice + 0.5 BCE, backward, Adam; and its peak memory
  infer_unet      as a whole process on one JPEG, against the network alone and against a script in PyTorch; its peak memory
  a folder        through infer_unet, against the network alone
  classic U-Net   the paper's network as docs/examples/classic_unet.h writes it with plain layers, against the same in
                  PyTorch: inference and training step, one picture of the size and of half of it, two threads

Programs take turns, one run each, so that all see the same machine; each value is the shortest of --rounds runs.
Outputs must agree to 1e-3 of their range. Peers run at their best: torch_worker.py, onnxruntime_worker.mjs and
opencv_worker.py say how.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

import busy
import report
import workers
from prepare import ARCHITECTURES, BATCH, HERE, PHOTOGRAPHS, Files, relative_difference
from report import Row
from workers import PEERS, TUNED_MALLOC, Missing, take_turns

TOLERANCE = 1e-3
THREADS = (1, 2)
# What has the programs leave AVX-512 alone. ONNX Runtime has no such switch.
AVX2_ONLY = {"WEFT_ISA": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2",
             "OPENCV_CPU_DISABLE": "AVX512-SKX"}
TITLES = {"mobilenet_v2": "MobileNetV2 U-Net", "resnet34": "ResNet34 U-Net"}
CLASSIC_WIDTHS, CLASSIC_UPSAMPLES = (64, 16), ("transposed", "bilinear")


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Comparison:
    def __init__(self, files, rounds):
        self.files, self.rounds = files, rounds
        self.rows, self.versions, self.missing, self.checks = [], {}, {}, []
        self.weft_ms = {}  # by what was run and with how many threads
        self.facts = None  # about the machine; report.py measures them

    def start(self, name, function, *arguments, **options):
        """A worker, or None where the peer is missing; why is noted."""
        try:
            worker = function(self.files, *arguments, **options)
            self.versions.setdefault(name, worker.name)
            return worker
        except Missing as reason:
            self.missing[name] = str(reason)
            return None

    def check(self, what, difference, tolerance=TOLERANCE):
        self.checks.append({"what": what, "difference": difference, "tolerance": tolerance, "is_met": difference <= tolerance})
        if not difference <= tolerance:
            say(f"DISAGREES: {what}: {difference:.1e}")

    def compare_logits(self, weft, peers, arch):
        expected = self.files.path("weft.logits")
        weft.save(expected)
        for name, worker in peers.items():
            worker.save(self.files.path("peer.logits"))
            difference = relative_difference(self.files.path("peer.logits"), expected)
            self.check(f"logits, {TITLES[arch]}, {name}", difference)

    def inference(self, arch, threads):
        weft = self.start("weft", workers.weft, arch, threads)
        if weft is None:
            sys.exit(f"error: bench_unet: {self.missing['weft']}")
        started = {name: self.start(name, function, arch, threads) for name, function in PEERS.items()}
        peers = {name: worker for name, worker in started.items() if worker}
        take_turns([weft, *peers.values()], self.rounds)
        if threads == 1:
            self.compare_logits(weft, peers, arch)
        what = f"inference, {TITLES[arch]}"
        self.weft_ms[what, threads] = min(weft.ms)
        times = {name: min(worker.ms) if worker else None for name, worker in started.items()}
        self.rows.append(Row(what, threads, "ms", min(weft.ms), times, at_least=3))
        for worker in (weft, *peers.values()):
            worker.close()

    def training(self, arch, threads):
        weft = self.start("weft", workers.weft, arch, threads, mode="train", batch=BATCH)
        peer = self.start("PyTorch", workers.pytorch, arch, threads, mode="train", batch=BATCH)
        take_turns([worker for worker in (weft, peer) if worker], self.rounds)
        what = f"training step, batch {BATCH}, {TITLES[arch]}"
        self.weft_ms[what, threads] = min(weft.ms)
        self.rows.append(Row(what, threads, "ms", min(weft.ms), {"PyTorch": min(peer.ms) if peer else None}, at_least=3))
        if peer and threads == 1:  # later steps drift apart, as any two ways of rounding do
            for step in range(2):
                self.check(f"loss before step {step + 1}, {TITLES[arch]}, PyTorch",
                           abs(weft.losses[step] / peer.losses[step] - 1))
        if threads == max(THREADS):
            self.training_memory(arch, threads, weft, peer)
        for worker in (weft, peer):
            if worker:
                worker.close()

    def training_memory(self, arch, threads, weft, tuned):
        memory = None
        if tuned:  # memory that is kept for speed may cost some: the smaller of the two counts
            plain = self.start("PyTorch", workers.pytorch, arch, threads, mode="train", batch=BATCH, malloc=False)
            plain.run()
            plain.run()
            memory = min(tuned.peak_mb(), plain.peak_mb())
            plain.close()
        self.rows.append(Row(f"peak memory of that step, {TITLES[arch]}", threads, "MB", weft.peak_mb(), {"PyTorch": memory},
                             at_most=0.6))

    def classic(self, mode, width, upsample, size):
        """A network that no rule was written for."""
        threads = max(THREADS)
        weft = self.start("weft", workers.classic_weft, width, upsample, size, threads, mode)
        if weft is None:
            return
        peer = self.start("PyTorch", workers.classic_pytorch, width, upsample, size, threads, mode)
        take_turns([worker for worker in (weft, peer) if worker], max(2, self.rounds // 2))
        what = f"{'training step' if mode == 'train' else 'inference'}, classic U-Net {width} to {16 * width}, {upsample}, {size}x{size}"
        self.rows.append(Row(what, threads, "ms", min(weft.ms), {"PyTorch": min(peer.ms) if peer else None}, at_least=2.5))
        if peer and mode == "train":
            self.check(f"loss before step 1, {what}", abs(weft.losses[0] / peer.losses[0] - 1))
        elif peer:
            weft.save(self.files.path("weft.logits"))
            peer.save(self.files.path("peer.logits"))
            self.check(f"logits, {what}", relative_difference(self.files.path("peer.logits"), self.files.path("weft.logits")))
        for worker in (weft, peer):
            if worker:
                worker.close()

    def whole_process(self, threads):
        """infer_unet on one photograph, in turn with the network alone and with PyTorch's script."""
        files = self.files
        weft = self.start("weft", workers.weft, "mobilenet_v2", threads)
        ours = [files.program("infer_unet"), files.photograph, "--model", files.model("mobilenet_v2"), "--size", files.size,
                "--threads", threads, "-o", files.path("weft.png")]
        script = [sys.executable, os.path.join(HERE, "torch_script.py"), files.torchscript, files.size,
                  files.photograph, files.path("torch.png"), threads]
        try:
            files.make_torchscript()
        except Missing as reason:
            self.missing["PyTorch script"] = str(reason)
            script = None
        runs, script_runs = [], []
        for _ in range(self.rounds + 1):
            weft.run()
            runs.append(run_process(ours, threads))
            if script:
                script_runs.append(run_process(script, threads, TUNED_MALLOC))
        if script:
            clothing, expected = (float(re.search(r"([\d.]+)% clothing", run[2])[1]) for run in (script_runs[0], runs[0]))
            # Both print it to 0.1%, and their JPEG decoders round differently.
            self.check("share of clothing in infer_unet's mask, PyTorch", abs(clothing - expected) / 100, tolerance=2.1e-3)
        wall = min(run[0] for run in runs)
        self.rows.append(Row("infer_unet, whole process less the network alone", threads, "ms", wall - min(weft.ms), {},
                             at_most=60, is_absolute=True))
        self.rows.append(Row("one photograph, whole process", threads, "ms", wall,
                             {"PyTorch": min(run[0] for run in script_runs) if script else None}, at_least=10))
        self.rows.append(Row("peak memory of that process", threads, "MB", max(run[1] for run in runs),
                             {"PyTorch": min(run[1] for run in script_runs) if script else None}, at_most=150, is_absolute=True))
        weft.close()

    def folder(self, threads):
        """The same number of pictures through the network alone, and through infer_unet from JPEG to PNG."""
        files = self.files
        weft = self.start("weft", workers.weft, "mobilenet_v2", threads)
        command = [files.program("infer_unet"), files.photographs, "--model", files.model("mobilenet_v2"), "--size", files.size,
                   "--threads", threads, "--out", files.path("masks")]
        alone, whole = [], []
        for _ in range(max(2, self.rounds // 2)):
            weft.ms.clear()
            weft.run()
            alone.append(sum(weft.ask("run")["ms"] for _ in range(PHOTOGRAPHS)))
            whole.append(run_process(command, threads)[0])
        share = 100 * min(alone) / min(whole)
        self.rows.append(Row(f"folder of {PHOTOGRAPHS}, infer_unet, share of the network's own rate", threads, "%", share, {},
                             at_least=95, is_absolute=True))
        weft.close()

    def scaling(self):
        few, many = THREADS
        for what in dict.fromkeys(what for what, _ in self.weft_ms):
            speedup = self.weft_ms[what, few] / self.weft_ms[what, many]
            self.rows.append(Row(f"{many} threads against {few}, {what}", many, "x", speedup, {}, at_least=1.85, is_absolute=True))


def run_process(command, threads, environment=None):
    """Milliseconds from start to end, the peak memory in MB, and what the process said."""
    with tempfile.TemporaryFile("w+") as output:
        begin = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=output,
                                   env={**os.environ, "OMP_NUM_THREADS": str(threads), **(environment or {})})
        _, status, usage = os.wait4(process.pid, 0)
        ms = 1e3 * (time.perf_counter() - begin)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        sys.exit(f"error: {command[0]}: {text.strip()}")
    return ms, usage.ru_maxrss / 1024, text


def main():
    parser = argparse.ArgumentParser(description="Times weft beside other frameworks on this machine, in turn.")
    parser.add_argument("--build", default=os.path.join(os.path.dirname(os.path.dirname(HERE)), "build"), help="build of weft")
    parser.add_argument("--rounds", type=int, default=10, help="runs of each, of which the shortest counts")
    parser.add_argument("--size", type=int, default=512, help="height and width of the pictures; the targets are for 512")
    parser.add_argument("--quick", action="store_true", help="two rounds: to see whether all works")
    parser.add_argument("--no-install", action="store_true", help="only the peers that are there")
    parser.add_argument("--avx2", action="store_true",
                        help="have all but ONNX Runtime, which has no switch for it, use AVX2 at most; goes to compare-avx2.md and .json")
    parser.add_argument("--busy", action="store_true",
                        help="only the table beside busy neighbours (busy.py); goes to compare-busy.md")
    parser.add_argument("--docs", help="file between whose marks the tables go as well")
    options = parser.parse_args()
    rounds = 2 if options.quick else options.rounds
    begin = time.monotonic()
    if options.avx2:
        os.environ.update(AVX2_ONLY)

    files = Files(options.build, options.size)
    say("models, inputs and photographs")
    files.prepare()
    comparison = Comparison(files, rounds)
    if options.busy:
        return 0 if busy.run(comparison, options, rounds, say) else 1
    steps = [(f"inference, {arch}, {threads} threads", comparison.inference, (arch, threads))
             for threads in THREADS for arch in ARCHITECTURES]
    for threads in THREADS:
        steps.append((f"whole process, {threads} threads", comparison.whole_process, (threads,)))
        steps.append((f"a folder, {threads} threads", comparison.folder, (threads,)))
    steps += [(f"training step, {arch}, {threads} threads", comparison.training, (arch, threads))
              for threads in THREADS for arch in ARCHITECTURES]
    steps += [(f"classic U-Net, {mode}, width {width}, {upsample}, {size}x{size}", comparison.classic, (mode, width, upsample, size))
              for mode in ("infer", "train") for width in CLASSIC_WIDTHS for upsample in CLASSIC_UPSAMPLES
              for size in (options.size // 2, options.size)]
    for what, measure, arguments in steps:
        say(what)
        measure(*arguments)
        report.write(comparison, options, rounds, is_complete=False)
    comparison.scaling()
    say("tables")
    report.write(comparison, options, rounds)
    say(f"done in {(time.monotonic() - begin) / 60:.1f} minutes")
    return 0 if all(check["is_met"] for check in comparison.checks) else 1


if __name__ == "__main__":
    sys.exit(main())
