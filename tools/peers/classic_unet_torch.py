"""The U-Net of docs/examples/classic_unet.h once more, in plain PyTorch and with the same keys."""

import torch
from torch import nn
from torch.nn import functional as F

from unet_torch import read_safetensors  # tests/golden, which torch_worker.py puts on the path

HALVINGS = 4


class DoubleConv(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)), inplace=True)


class ClassicUNet(nn.Module):
    def __init__(self, width, transposed):
        super().__init__()
        widths = [width << i for i in range(HALVINGS + 1)]
        self.down = nn.ModuleList(DoubleConv(*pair) for pair in zip([3, *widths], widths))
        pairs = list(zip(widths[:-1], widths[1:]))[::-1]  # of each level: the skip's channels, those below
        if transposed:
            self.up = nn.ModuleList(nn.ConvTranspose2d(below, skip, 2, stride=2) for skip, below in pairs)
        self.join = nn.ModuleList(DoubleConv(skip + (skip if transposed else below), skip) for skip, below in pairs)
        self.head = nn.Conv2d(width, 1, 1)
        self.transposed = transposed

    def forward(self, x):
        levels = []
        for i, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if i > 0 else x)
            levels.append(x)
        for i, block in enumerate(self.join):
            if self.transposed:
                larger = self.up[i](x)
            else:
                larger = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(torch.cat([levels[-2 - i], larger], 1))
        return self.head(x)


def load_classic_unet(path):
    """The network whose weights weft wrote there, in evaluation mode; its shape is read from them."""
    state, _ = read_safetensors(path)
    network = ClassicUNet(state["down.0.conv1.weight"].shape[0], "up.0.weight" in state)
    network.load_state_dict(state)
    return network.eval()
