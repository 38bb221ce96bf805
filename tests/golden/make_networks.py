"""Writes classifiers.json and unets.json: the networks in evaluation mode on the golden input.

Weights are golden_weight(key), the input is golden_fill("input", [N, H, W, 3], -2, 2). Everything is computed in
float64 and, for `float32_error`, in float32 from the same numbers.
"""

import torch

from golden import golden_fill, golden_network, nchw, nhwc, summary, write
from unet_torch import ARCHITECTURES, UNet, make_classifier, parameter_count

# Trainable parameters as torchvision and segmentation_models_pytorch count them.
CLASSIFIER_PARAMETERS = {"mobilenet_v2": 3504872, "resnet18": 11689512, "resnet34": 21797672}
UNET_PARAMETERS = {"mobilenet_v2": 6628945, "resnet18": 14328209, "resnet34": 24436369}


def both_precisions(make_network, run, shape):
    """run(network, x) in float64 and in float32."""
    x = golden_fill("input", shape, -2, 2)
    with torch.no_grad():
        return [run(golden_network(make_network(), dtype).eval(), nchw(x, dtype))
                for dtype in (torch.float64, torch.float32)]


def classifier_case(arch, shape):
    def run(network, x):
        return network(x).double().numpy(), [nhwc(y) for y in network.taps(x)]

    (logits, stages), (logits32, stages32) = both_precisions(lambda: make_classifier(arch), run, shape)
    return {"arch": arch, "input": shape, "logits": summary(logits, 0, logits32, indices=range(20)),
            "stages": [summary(y, 8, y32) for y, y32 in zip(stages, stages32)]}


def unet_case(arch, upsample, shape):
    y, y32 = both_precisions(lambda: UNet(arch, upsample=upsample), lambda network, x: nhwc(network(x)), shape)
    return {"arch": arch, "upsample": upsample, "parameters": parameter_count(UNet(arch, upsample=upsample)),
            "input": shape, "logits": summary(y, 200, y32)}


def main():
    for arch in ARCHITECTURES:
        assert parameter_count(make_classifier(arch)) == CLASSIFIER_PARAMETERS[arch]
        assert parameter_count(UNet(arch)) == UNET_PARAMETERS[arch]

    write("classifiers.json", [classifier_case(arch, shape) for arch in ARCHITECTURES
                               for shape in ([1, 64, 64, 3], [1, 97, 65, 3])])
    write("unets.json", [unet_case(arch, upsample, [2, 64, 96, 3]) for arch, upsample in (
        ("mobilenet_v2", "nearest"), ("resnet18", "nearest"), ("resnet34", "nearest"),
        ("resnet18", "bilinear"), ("resnet18", "transposed"))])


if __name__ == "__main__":
    main()
