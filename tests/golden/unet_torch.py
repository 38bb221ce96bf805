"""weft's networks once more, in plain PyTorch: the independent side of the golden and interchange tests.

  python3 tests/golden/unet_torch.py MODEL.safetensors INPUT.npy OUT.npy

runs a U-Net of weft's, or a segmentation_models_pytorch state dict, on INPUT (float32 [N, H, W, 3], already
normalised) and writes its logits [N, H, W, classes]. The networks and their keys are the published ones:

  ResNet                He et al. 2015, arXiv:1512.03385, in torchvision's wiring (stride in the first 3x3)
  MobileNetV2           Sandler et al. 2018, arXiv:1801.04381, Table 2
  U-Net, UnetDecoder    Ronneberger et al. 2015, arXiv:1505.04597, in segmentation_models_pytorch's wiring

Nothing here is needed to build or to run weft.
"""

import argparse
import json
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

RESNET_BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}

# expansion, channels, blocks, stride of the first
MOBILENET_STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)
MOBILENET_TAPS = (1, 3, 6, 13, 18)

ARCHITECTURES = ("mobilenet_v2", "resnet18", "resnet34")
DECODER_CHANNELS = (256, 128, 64, 32, 16)


class BasicBlock(nn.Module):
    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.downsample = None
        if stride != 1 or channels_in != channels_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + shortcut)


class ResNet(nn.Module):
    """torchvision's resnet18 and resnet34; with classes=None only the encoder."""

    channels = (64, 64, 128, 256, 512)

    def __init__(self, arch, classes=1000):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels_in = 64
        for i, count in enumerate(RESNET_BLOCKS[arch]):
            channels_out = 64 << i
            blocks = []
            for k in range(count):
                blocks.append(BasicBlock(channels_in, channels_out, 2 if i > 0 and k == 0 else 1))
                channels_in = channels_out
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        if classes is not None:
            self.fc = nn.Linear(512, classes)

    def taps(self, x):
        """Five maps at strides 2 to 32; the first is taken before the max-pooling."""
        taps = [F.relu(self.bn1(self.conv1(x)))]
        y = F.max_pool2d(taps[0], 3, 2, 1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            y = layer(y)
            taps.append(y)
        return taps

    def forward(self, x):
        return self.fc(self.taps(x)[-1].mean((2, 3)))


def conv_bn_relu6(channels_in, channels_out, kernel, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels_out), nn.ReLU6())


class InvertedResidual(nn.Module):
    def __init__(self, channels_in, channels_out, stride, expansion):
        super().__init__()
        hidden = channels_in * expansion
        expand = [] if expansion == 1 else [conv_bn_relu6(channels_in, hidden, 1)]
        self.conv = nn.Sequential(
            *expand, conv_bn_relu6(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, channels_out, 1, bias=False), nn.BatchNorm2d(channels_out))
        self.has_shortcut = stride == 1 and channels_in == channels_out

    def forward(self, x):
        return x + self.conv(x) if self.has_shortcut else self.conv(x)


class MobileNetV2(nn.Module):
    """torchvision's mobilenet_v2, width 1; with classes=None only the encoder."""

    channels = (16, 24, 32, 96, 1280)

    def __init__(self, classes=1000):
        super().__init__()
        blocks = [conv_bn_relu6(3, 32, 3, 2)]
        channels_in = 32
        for expansion, channels_out, count, stride in MOBILENET_STAGES:
            for k in range(count):
                blocks.append(InvertedResidual(channels_in, channels_out, stride if k == 0 else 1, expansion))
                channels_in = channels_out
        blocks.append(conv_bn_relu6(channels_in, 1280, 1))
        self.features = nn.Sequential(*blocks)
        if classes is not None:
            self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def taps(self, x):
        taps = []
        for i, block in enumerate(self.features):
            x = block(x)
            if i in MOBILENET_TAPS:
                taps.append(x)
        return taps

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def make_classifier(arch, classes=1000):
    """torchvision's network; classes=None leaves the classifier out."""
    return MobileNetV2(classes) if arch == "mobilenet_v2" else ResNet(arch, classes)


def conv_bn_relu(channels_in, channels_out):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU())


class DecoderBlock(nn.Module):
    def __init__(self, channels_in, channels_skip, channels_out, upsample):
        super().__init__()
        self.mode = upsample
        if upsample == "transposed":  # weft's own; segmentation_models_pytorch has only the other two
            self.upsample = nn.ConvTranspose2d(channels_in, channels_out, 2, stride=2)
            channels_in = channels_out
        self.conv1 = conv_bn_relu(channels_in + channels_skip, channels_out)
        self.conv2 = conv_bn_relu(channels_out, channels_out)

    def forward(self, x, skip):
        if self.mode == "transposed":
            x = self.upsample(x)
        elif self.mode == "bilinear":
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        else:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        if skip is not None:
            x = torch.cat([x, skip], 1)
        return self.conv2(self.conv1(x))


class Decoder(nn.Module):
    def __init__(self, taps, widths, upsample):
        super().__init__()
        channels_in = (taps[-1],) + tuple(widths[:-1])
        channels_skip = tuple(reversed(taps[:-1])) + (0,)
        self.blocks = nn.ModuleList(
            DecoderBlock(c, s, w, upsample) for c, s, w in zip(channels_in, channels_skip, widths))

    def forward(self, taps):
        skips = taps[-2::-1] + [None]
        x = taps[-1]
        for block, skip in zip(self.blocks, skips):
            x = block(x, skip)
        return x


class UNet(nn.Module):
    """segmentation_models_pytorch's Unet with a ResNet or MobileNetV2 encoder."""

    def __init__(self, arch, decoder_channels=DECODER_CHANNELS, upsample="nearest", classes=1):
        super().__init__()
        self.encoder = make_classifier(arch, None)
        self.decoder = Decoder(self.encoder.channels, decoder_channels, upsample)
        self.segmentation_head = nn.Sequential(nn.Conv2d(decoder_channels[-1], classes, 3, padding=1))

    def forward(self, x):
        return self.segmentation_head(self.decoder(self.encoder.taps(x)))


def parameter_count(network):
    return sum(p.numel() for p in network.parameters())


def dice_loss(logits, targets):
    """segmentation_models_pytorch's DiceLoss, binary, from logits, over the whole batch."""
    if targets.sum() == 0:
        return (logits * 0).sum()
    p = torch.sigmoid(logits)
    return 1 - 2 * (p * targets).sum() / torch.clamp((p + targets).sum(), min=1e-7)


def segmentation_loss(logits, targets):
    return 0.5 * dice_loss(logits, targets) + 0.5 * F.binary_cross_entropy_with_logits(logits, targets)


def read_safetensors(path):
    """The tensors by name, and the metadata. bfloat16 becomes float32."""
    types = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4"}
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[begin:end], types[entry["dtype"]])
        if entry["dtype"] == "BF16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    return tensors, metadata


def load_unet(path, upsample=None):
    """The U-Net of a safetensors file, in evaluation mode. Its shape is read from the tensors; only bilinear
    upsampling leaves no trace in them and comes from weft's metadata, or from `upsample`."""
    state, metadata = read_safetensors(path)
    if "encoder.features.0.0.weight" in state:
        arch = "mobilenet_v2"
    else:
        arch = "resnet34" if "encoder.layer1.2.conv1.weight" in state else "resnet18"
    widths = [state[f"decoder.blocks.{i}.conv2.0.weight"].shape[0] for i in range(5)]
    if upsample is None:
        learned = "decoder.blocks.0.upsample.weight" in state
        upsample = metadata.get("upsample", "transposed" if learned else "nearest")
    network = UNet(arch, widths, upsample, state["segmentation_head.0.weight"].shape[0])
    network.load_state_dict(state)
    return network.eval()


def run_nhwc(network, x):
    """Logits [N, H, W, classes] of x [N, H, W, 3], as numpy arrays."""
    with torch.no_grad():
        y = network(torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2))))
    return np.ascontiguousarray(y.numpy().transpose(0, 2, 3, 1))


def main():
    parser = argparse.ArgumentParser(description="Runs a U-Net from a safetensors file in PyTorch.")
    parser.add_argument("model", help="safetensors file with segmentation_models_pytorch's keys")
    parser.add_argument("input", help="npy, float32 [N, H, W, 3], normalised; H and W multiples of 32")
    parser.add_argument("output", help="npy to write: logits, float32 [N, H, W, classes]")
    parser.add_argument("--upsample", choices=("nearest", "bilinear", "transposed"),
                        help="default: what the file says, else nearest")
    parser.add_argument("--double", action="store_true", help="compute in float64 (and write float64)")
    arguments = parser.parse_args()

    network = load_unet(arguments.model, arguments.upsample)
    x = np.load(arguments.input)
    if arguments.double:
        network, x = network.double(), x.astype(np.float64)
    y = run_nhwc(network, x)
    np.save(arguments.output, y)
    size = math.sqrt(float((y.astype(np.float64) ** 2).sum()))
    print(f"logits {list(y.shape)}: mean {y.mean():.6g}, std {y.std():.6g}, norm {size:.9g}")


if __name__ == "__main__":
    main()
