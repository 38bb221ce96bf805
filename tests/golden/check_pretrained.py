"""Holds unet_torch.py against recorded outputs of real ImageNet weights:

  python3 tests/golden/check_pretrained.py ../shared/weights

The folder holds mobilenet_v2-imagenet.safetensors, resnet18-imagenet-to-layer3.safetensors and testvectors/. Prints the largest deviations and
fails where the networks are not the recorded ones.
"""

import json
import os
import sys

import cv2
import numpy as np
import torch

from unet_torch import make_classifier, read_safetensors

MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])


def load_picture(path):
    rgb = cv2.imread(path)[:, :, ::-1] / 255.0
    return torch.from_numpy(((rgb - MEAN) / STD).transpose(2, 0, 1)[None].astype(np.float32))


def stage_deviation(stages, maps):
    """The largest difference to the recorded mean, std, maximum and first four values, over the stage's std."""
    worst = 0.0
    for expected, y in zip(stages.values(), maps):
        assert list(y.shape[1:]) == expected["shape_chw"], (y.shape, expected["shape_chw"])
        actual = [y.mean(), y.std(unbiased=False), y.max(), *y[0, 0, 0, :4]]
        wanted = [expected["mean"], expected["std"], expected["max"], *expected["row0_ch0_first4"]]
        worst = max([worst] + [abs(float(a) - w) / expected["std"] for a, w in zip(actual, wanted)])
    return worst


def check_mobilenet_v2(folder):
    network = make_classifier("mobilenet_v2").eval()
    state, _ = read_safetensors(os.path.join(folder, "mobilenet_v2-imagenet.safetensors"))
    network.load_state_dict(state)
    vectors = os.path.join(folder, "testvectors")
    logit_worst = stage_worst = 0.0
    for image in json.load(open(os.path.join(vectors, "logits_mobilenet_v2.json")))["images"]:
        x = load_picture(os.path.join(vectors, image["input"]))
        logits = network(x)[0]
        order = torch.argsort(logits, descending=True)[:5].tolist()
        assert order == [top["id"] for top in image["top5"]], (image["photo"], order)
        differences = [abs(float(logits[i]) - v) for i, v in enumerate(image["logits_0_to_7"])]
        differences += [abs(float(logits[top["id"]]) - top["logit"]) for top in image["top5"]]
        logit_worst = max([logit_worst] + differences)
        stage_worst = max(stage_worst, stage_deviation(image["stages"], network.taps(x)))
    print(f"mobilenet_v2: top 5 equal, logits within {logit_worst:.2e}, stages within {stage_worst:.2e} of their std")
    assert logit_worst < 1e-3 and stage_worst < 1e-3


def check_resnet18(folder):
    """The file ends at layer3: layer4's 3x3 convolutions were not to be had, so the rest loads by name."""
    network = make_classifier("resnet18").eval()
    state, metadata = read_safetensors(os.path.join(folder, "resnet18-imagenet-to-layer3.safetensors"))
    result = network.load_state_dict(state, strict=False)
    absent = tuple(metadata["absent"].split())
    assert not result.unexpected_keys and all(key.startswith(absent) for key in result.missing_keys), result
    vectors = os.path.join(folder, "testvectors")
    worst = 0.0
    for image in json.load(open(os.path.join(vectors, "stages_resnet18.json")))["images"]:
        x = load_picture(os.path.join(vectors, image["input"]))
        y = network.taps(x)
        worst = max(worst, stage_deviation(image["stages"], y[:4]))
    print(f"resnet18: stem to layer3 within {worst:.2e} of their std")
    assert worst < 1e-3


if __name__ == "__main__":
    with torch.no_grad():
        check_mobilenet_v2(sys.argv[1])
        check_resnet18(sys.argv[1])
