"""Programs that run one network again and again on request, so that several can take turns.

Each is started once, loads its model and input, prints {"ready": NAME AND VERSION}, and then answers every line on its
stdin with a line of json: "run" runs once and gives {"ms": ..., "loss": ...}, "save FILE" writes the logits.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# glibc gives memory back to the system after every step and takes it anew, page by page. PyTorch runs up to twice as
# fast when told to keep it, and to ask for huge pages.
TUNED_MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
                "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}

PAUSE_SECONDS = 0.03  # the threads of the program whose turn ended stop spinning


class Missing(Exception):
    """A peer that cannot run here; the message says why."""


class Worker:
    def __init__(self, command, threads, environment=None):
        merged = {**os.environ, "OMP_NUM_THREADS": str(threads), **(environment or {})}
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True, env=merged)
        self.ms = []
        self.losses = []
        self.name = self.answer()["ready"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            lines = self.errors.read().strip().splitlines()
            errors = [line for line in lines if "Error" in line] or lines
            raise Missing(errors[-1].strip() if errors else f"ended with status {self.process.returncode}")
        return json.loads(line)

    def ask(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        return self.answer()

    def run(self):
        time.sleep(PAUSE_SECONDS)
        answer = self.ask("run")
        self.ms.append(answer["ms"])
        self.losses.append(answer.get("loss"))

    def save(self, path):
        self.ask(f"save {path}")

    def peak_mb(self):
        """The most memory that the process has held at once."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def weft(files, arch, threads, mode="infer", batch=1):
    training = ["--targets", files.targets] if mode == "train" else []
    return Worker([files.program("bench_unet"), "--serve", "--model", files.model(arch), "--input", files.input(batch, "nhwc"),
                   "--size", files.size, "--batch", batch, "--mode", mode, "--threads", threads, *training], threads)


def pytorch(files, arch, threads, mode="infer", batch=1, malloc=True):
    return Worker([sys.executable, "-B", os.path.join(HERE, "torch_worker.py"), mode, files.model(arch),
                   files.input(batch, "nchw"), files.targets, files.size, batch, threads],
                  threads, TUNED_MALLOC if malloc else None)


def classic_weft(files, width, upsample, size, threads, mode):
    """docs/examples/classic_unet, one picture."""
    inputs = files.classic_inputs(size)
    return Worker([files.example("classic_unet"), "--serve", "--weights", files.classic_weights(width, upsample), "--width", width,
                   "--upsample", upsample, "--input", inputs["nhwc"], "--targets", inputs["targets"], "--size", size, "--mode", mode,
                   "--threads", threads], threads)


def classic_pytorch(files, width, upsample, size, threads, mode):
    inputs = files.classic_inputs(size)
    return Worker([sys.executable, "-B", os.path.join(HERE, "torch_worker.py"), mode, files.classic_weights(width, upsample),
                   inputs["nchw"], inputs["targets"], size, 1, threads, "classic"], threads, TUNED_MALLOC)


def opencv(files, arch, threads):
    return Worker([sys.executable, "-B", os.path.join(HERE, "opencv_worker.py"), files.onnx(arch), files.input(1, "nchw"),
                   files.size, threads], threads, TUNED_MALLOC)


def onnx_runtime(files, arch, threads):
    if not shutil.which("node"):
        raise Missing("node is not installed")
    return Worker(["node", os.path.join(HERE, "onnxruntime_worker.mjs"), files.onnx(arch), files.input(1, "nchw"), files.size,
                   threads], threads)


PEERS = {"PyTorch": pytorch, "ONNX Runtime": onnx_runtime, "OpenCV": opencv}


def take_turns(workers, rounds):
    """One run each, again and again. The first round warms up and does not count."""
    for _ in range(rounds + 1):
        for worker in workers:
            worker.run()
    for worker in workers:
        worker.ms = worker.ms[1:]
