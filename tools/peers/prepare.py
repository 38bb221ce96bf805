"""The files that a comparison needs, all made by weft's own programs: models, inputs, photographs."""

import array
import os
import random
import shutil
import subprocess
import sys

from workers import Missing

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ARCHITECTURES = ("mobilenet_v2", "resnet34")
BATCH = 4  # of the training step
PHOTOGRAPHS, DISTINCT_PHOTOGRAPHS = 192, 16  # so many that the start, which has a row of its own, hardly counts


class Files:
    def __init__(self, build, size):
        self.build, self.size = os.path.abspath(build), size
        self.folder = os.path.join(self.build, "peers", f"files-{size}")
        self.photographs = os.path.join(self.folder, "photographs")
        self.photograph = os.path.join(self.photographs, "0000.jpg")
        self.targets = self.path("targets.f32")
        self.torchscript = self.path("mobilenet_v2.pt")

    def path(self, name):
        return os.path.join(self.folder, name)

    def program(self, name):
        return os.path.join(self.build, "bin", name)

    def example(self, name):
        return os.path.join(self.build, "examples", name)

    def model(self, arch):
        return self.path(arch + ".safetensors")

    def onnx(self, arch):
        return self.path(arch + ".onnx")

    def input(self, batch, layout):
        return self.path(f"input-{batch}-{layout}.f32")

    def call(self, program, *arguments):
        result = subprocess.run([self.program(program), *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                text=True)
        if result.returncode != 0:
            sys.exit(f"error: {program}: {result.stderr.strip()}")

    def prepare(self):
        """Makes what is not there yet."""
        if not os.path.exists(self.program("bench_unet")):
            sys.exit(f"error: {self.program('bench_unet')} is missing; build weft first, or name the build with --build")
        if os.path.exists(self.path("complete")):
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.photographs)
        self.make_photographs()
        self.make_models()
        self.make_inputs()
        open(self.path("complete"), "w").close()

    def make_photographs(self):
        drawn = self.path("drawn")
        self.call("make_synthetic_atr", "--out", drawn, "--count", DISTINCT_PHOTOGRAPHS, "--size", self.size)
        for i in range(PHOTOGRAPHS):
            os.link(os.path.join(drawn, "JPEGImages", f"{i % DISTINCT_PHOTOGRAPHS:04}.jpg"),
                    os.path.join(self.photographs, f"{i:04}.jpg"))

    def make_models(self):
        """The model that comes with weft, and a ResNet34 after a few steps, so that batch norm has seen something."""
        shutil.copy(os.path.join(ROOT, "models", "pretrained", "clothing-mobilenet_v2.safetensors"), self.model("mobilenet_v2"))
        self.call("train_unet", "--data", self.path("drawn"), "--labels", "atr", "--out", self.path("run"), "--arch", "resnet34",
                  "--size", 64, "--max-steps", 4, "--val-fraction", 0, "--lr", "1e-3")
        shutil.copy(self.path("run/last.safetensors"), self.model("resnet34"))
        for arch in ARCHITECTURES:
            self.call("export_onnx", self.model(arch), self.onnx(arch))

    def make_inputs(self):
        pictures = noise(self.size, BATCH)
        for batch in (1, BATCH):
            write_pictures(pictures[:batch], self.input(batch, "nhwc"), self.input(batch, "nchw"))
        write_targets(self.size, BATCH, self.targets)

    def classic_weights(self, width, upsample):
        """Starting values of docs/examples/classic_unet, made where they are not there yet."""
        path = self.path(f"classic-{width}-{upsample}.safetensors")
        if not os.path.exists(self.example("classic_unet")):
            raise Missing(f"{self.example('classic_unet')} is missing: it is built with the tests")
        if not os.path.exists(path):
            self.call(self.example("classic_unet"), "--width", width, "--upsample", upsample, "--save", path)
        return path

    def classic_inputs(self, size):
        """One picture of that size in both layouts, and its mask; made where they are not there yet."""
        paths = {name: self.path(f"classic-{size}-{name}.f32") for name in ("nhwc", "nchw", "targets")}
        if not all(map(os.path.exists, paths.values())):
            write_pictures(noise(size, 1), paths["nhwc"], paths["nchw"])
            write_targets(size, 1, paths["targets"])
        return paths

    def make_torchscript(self):
        if os.path.exists(self.torchscript):
            return
        command = [sys.executable, "-B", os.path.join(HERE, "torch_script.py"), "--freeze", self.model("mobilenet_v2"),
                   self.torchscript, str(self.size)]
        result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if result.returncode != 0:
            raise Missing(result.stderr.strip().splitlines()[-1])


def noise(size, count):
    draw = random.Random(0)
    return [array.array("f", (draw.gauss(0, 1) for _ in range(3 * size * size))) for _ in range(count)]


def write_pictures(pictures, nhwc_path, nchw_path):
    with open(nhwc_path, "wb") as nhwc, open(nchw_path, "wb") as nchw:
        for picture in pictures:
            picture.tofile(nhwc)
            for channel in range(3):
                picture[channel::3].tofile(nchw)


def write_targets(size, count, path):
    """A square in the middle is clothing."""
    quarter = size // 4
    row = [float(quarter <= x < 3 * quarter) for x in range(size)]
    mask = array.array("f", [value * (quarter <= y < 3 * quarter) for y in range(size) for value in row])
    with open(path, "wb") as file:
        for _ in range(count):
            mask.tofile(file)


def read_raw(path):
    values = array.array("f")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    return values


def relative_difference(path, expected_path):
    """The largest difference over the largest value."""
    actual, expected = read_raw(path), read_raw(expected_path)
    assert len(actual) == len(expected), (path, expected_path)
    difference = max(abs(a - b) for a, b in zip(actual, expected))
    if any(a != a for a in actual):
        return float("nan")
    return difference / max(map(abs, expected))
