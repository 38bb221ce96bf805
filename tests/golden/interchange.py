"""Weights between PyTorch and weft, both ways, through files and the programs that a user runs:

  python3 tests/golden/interchange.py BUILD

  1. torchvision's classifiers, saved in both of PyTorch's containers, through convert_weights: logits and feature maps
  2. U-Nets saved as segmentation_models_pytorch does, through convert_weights: logits
  3. a U-Net that train_unet trained, loaded strictly by name in PyTorch: logits
  4. with INTERCHANGE_MODEL=FILE (a trained float32 model) and INTERCHANGE_PICTURES=FOLDER: the masks of its F16 copy

and how long converting and loading take. Relative differences are the largest difference over the largest value.
"""

import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from torch import nn

from unet_torch import ARCHITECTURES, UNet, load_unet, make_classifier, read_safetensors, run_nhwc

TOLERANCE = 1e-4
SIZES = ((2, 224, 224, 3), (2, 97, 131, 3))


class Interchange:
    def __init__(self, build, folder):
        self.build, self.folder = os.path.abspath(build), folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, program, *arguments, folder="bin"):
        command = [os.path.join(self.build, folder, program), *map(str, arguments)]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert result.returncode == 0, f"{program}: {result.stderr}"
        return result.stdout

    def run_network(self, model, x):
        """What weft computes: {"logits": ..., "stage1": ...}."""
        np.save(self.path("x.npy"), x)
        out = self.path("y")
        for name in os.listdir(self.folder):
            if name.startswith("y."):
                os.remove(self.path(name))
        self.run("run_network", model, self.path("x.npy"), out, folder="tests")
        return {name[2:-4]: np.load(self.path(name)) for name in os.listdir(self.folder) if name.startswith("y.")}


def randomise(network, seed):
    """Random weights that keep activations of any depth in range, and batch statistics unlike the initial 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.uniform_(-0.3, 0.3, generator=generator)
                module.running_mean.uniform_(-0.3, 0.3, generator=generator)
                module.running_var.uniform_(0.5, 1.5, generator=generator)
                module.num_batches_tracked += 1234567890123
            elif isinstance(module, (nn.Conv2d, nn.Linear, nn.ConvTranspose2d)):
                bound = (4 / module.weight[0].numel()) ** 0.5
                module.weight.uniform_(-bound, bound, generator=generator)
                if module.bias is not None:
                    module.bias.uniform_(-0.3, 0.3, generator=generator)
    return network.eval()


def picture(shape, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def relative(actual, expected):
    assert actual.shape == expected.shape, (actual.shape, expected.shape)
    difference, largest = np.abs(actual - expected).max(), np.abs(expected).max()
    assert np.isfinite(largest) and expected.std() > 1e-3 * largest, "the network's output says nothing"
    return float(difference / largest)


def nhwc(y):
    return y.numpy().transpose(0, 2, 3, 1)


def check(what, difference, tolerance=TOLERANCE):
    print(f"  {what}: {difference:.1e}", flush=True)
    assert difference < tolerance, f"{what}: {difference} is not below {tolerance}"


def check_classifier(weft, arch, legacy):
    container = "legacy" if legacy else "zip"
    print(f"{arch}, {container}")
    network = randomise(make_classifier(arch), 1)
    state = network.state_dict()
    if legacy:  # as DataParallel and a training script leave it
        state = {"epoch": 3, "state_dict": {"module." + name: tensor for name, tensor in state.items()}}
    torch.save(state, weft.path("in.pth"), _use_new_zipfile_serialization=not legacy)

    begin = time.perf_counter()
    text = weft.run("convert_weights", weft.path("in.pth"), weft.path("out.safetensors"), "--keep-head")
    seconds = time.perf_counter() - begin
    assert "PyTorch " + container in text, text
    size = os.path.getsize(weft.path("in.pth"))
    print(f"  converting {size * 1e-6:.0f} MB: {seconds:.2f} s")

    make_classifier(arch).load_state_dict(read_safetensors(weft.path("out.safetensors"))[0])
    for seed, shape in enumerate(SIZES):
        x = picture(shape, seed)
        y = weft.run_network(weft.path("out.safetensors"), x)
        with torch.no_grad():
            x_torch = torch.from_numpy(x.transpose(0, 3, 1, 2).copy())
            check(f"logits at {shape[1]}x{shape[2]}", relative(y["logits"], network(x_torch).numpy()))
            stages = [relative(y[f"stage{i + 1}"], nhwc(tap)) for i, tap in enumerate(network.taps(x_torch))]
            check("feature maps", max(stages))


def check_half(weft):
    """A float16 file: the network of the rounded weights."""
    print("resnet18 stored as float16")
    network = randomise(make_classifier("resnet18"), 2).half()
    torch.save(network.state_dict(), weft.path("in.pth"))
    weft.run("convert_weights", weft.path("in.pth"), weft.path("out.safetensors"), "--keep-head")
    x = picture(SIZES[1], 5)
    with torch.no_grad():
        expected = network.float()(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()
    check("logits", relative(weft.run_network(weft.path("out.safetensors"), x)["logits"], expected))


def check_unet(weft, arch, auxiliary):
    print(f"U-Net with {arch}" + (", with an auxiliary head" if auxiliary else ""))
    network = randomise(UNet(arch), 3)
    state = network.state_dict()
    if auxiliary:
        channels = network.encoder.channels[-1]
        state["classification_head.3.weight"] = torch.zeros(4, channels)
        state["classification_head.3.bias"] = torch.zeros(4)
    torch.save(state, weft.path("in.pth"))
    text = weft.run("convert_weights", weft.path("in.pth"), weft.path("out.safetensors"))
    assert ("classification_head.3.bias [4]" in text) == auxiliary, text
    for seed, shape in enumerate(((2, 128, 96, 3), (1, 224, 224, 3))):
        x = picture(shape, seed)
        difference = relative(weft.run_network(weft.path("out.safetensors"), x)["logits"], run_nhwc(network, x))
        check(f"logits at {shape[1]}x{shape[2]}", difference)
    load_unet(weft.path("out.safetensors"))  # strictly, by name
    check_loading_time(weft)


def check_loading_time(weft):
    """From the start of a process to a network that could run; the file is in memory."""
    command = [os.path.join(weft.build, "tests", "run_network"), weft.path("out.safetensors"), "-", "-"]
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"ready\n"
            times.append(1e3 * (time.perf_counter() - begin))
    print(f"  ready to run {min(times):.1f} ms after process start at best, {sorted(times)[10]:.1f} ms in the median of 20")


def check_trained(weft, arch, upsample):
    print(f"trained by weft: {arch}, {upsample} upsampling")
    data, run = weft.path("data"), weft.path("run-" + arch)
    if not os.path.exists(data):
        weft.run("make_synthetic_atr", "--out", data, "--count", 8, "--size", 64)
    weft.run("train_unet", "--data", data, "--out", run, "--labels", "atr", "--arch", arch, "--upsample", upsample, "--size", 64,
             "--batch", 2, "--max-steps", 4, "--val-fraction", 0, "--lr", "1e-3")
    model = os.path.join(run, "last.safetensors")
    x = picture((2, 96, 64, 3), 7)
    check("logits", relative(run_nhwc(load_unet(model), x), weft.run_network(model, x)["logits"]))


def check_f16_masks(weft, model, pictures):
    import cv2
    print(f"masks of {os.path.basename(model)} stored as float16")
    weft.run("convert_weights", model, weft.path("half.safetensors"), "--f16")
    folders = [weft.path("masks32"), weft.path("masks16")]
    for path, folder in zip((model, weft.path("half.safetensors")), folders):
        weft.run("infer_unet", "--model", path, pictures, "--out", folder)
    different = total = 0
    for name in os.listdir(folders[0]):
        a, b = (cv2.imread(os.path.join(folder, name), 0) for folder in folders)
        different += int((a != b).sum())
        total += a.size
    print(f"  {different} of {total} pixels of {len(os.listdir(folders[0]))} photographs differ: {1e4 * different / total:.3f} in 10,000")
    assert different * 10_000 < total


def main():
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        weft = Interchange(sys.argv[1], folder)
        for arch in ARCHITECTURES:
            check_classifier(weft, arch, legacy=False)
            check_classifier(weft, arch, legacy=True)
        check_half(weft)
        check_unet(weft, "resnet34", auxiliary=False)
        check_unet(weft, "mobilenet_v2", auxiliary=True)
        check_trained(weft, "resnet18", "bilinear")
        check_trained(weft, "mobilenet_v2", "transposed")
        model, pictures = os.environ.get("INTERCHANGE_MODEL"), os.environ.get("INTERCHANGE_PICTURES")
        if model and pictures:
            check_f16_masks(weft, model, pictures)
        else:
            print("masks in half precision: skipped, INTERCHANGE_MODEL and INTERCHANGE_PICTURES name a model and a folder")


if __name__ == "__main__":
    main()
