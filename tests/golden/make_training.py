"""Writes training_ARCH.json: five Adam steps of each U-Net on the golden input and mask, in float64.

The loss is half Dice, half cross-entropy. Of the first step every gradient is kept (norm and probe), and the
running statistics that it leaves; after the last every parameter. Beside each stands how far PyTorch's float32 is
off: the norm of the difference, the largest of the four ways that PyTorch has to compute it on a CPU.
"""

import itertools

import numpy as np
import torch
import torch.nn.functional as F

from golden import golden_fill, golden_mask, golden_network, golden_probe, nchw, norm, write
from unet_torch import ARCHITECTURES, UNet, dice_loss

SHAPE = [2, 64, 64, 3]
LR = 1e-3
STEPS = 5


class Run:
    """The numbers of STEPS steps: losses and, by key, first gradients, first running statistics, last parameters."""

    def __init__(self, arch, dtype, memory_format=torch.contiguous_format):
        network = golden_network(UNet(arch), dtype).train().to(memory_format=memory_format)
        x = nchw(golden_fill("input", SHAPE, -2, 2), dtype).to(memory_format=memory_format)
        t = nchw(golden_mask("mask", SHAPE[:3] + [1]), dtype)
        optimizer = torch.optim.Adam(network.parameters(), lr=LR)
        self.dice, self.bce = [], []
        for step in range(STEPS):
            optimizer.zero_grad()
            logits = network(x)
            dice, bce = dice_loss(logits, t), F.binary_cross_entropy_with_logits(logits, t)
            (0.5 * dice + 0.5 * bce).backward()
            optimizer.step()
            self.dice.append(dice.item())
            self.bce.append(bce.item())
            if step == 0:
                self.gradients = arrays((key, p.grad) for key, p in network.named_parameters())
                self.statistics = arrays((key, b) for key, b in network.named_buffers() if "running" in key)
        self.parameters = arrays(network.named_parameters())

    def losses(self):
        return 0.5 * np.array(self.dice) + 0.5 * np.array(self.bce)


def arrays(named):
    return {key: tensor.detach().double().numpy().copy() for key, tensor in named}


def float32_runs(arch):
    for memory_format, onednn in itertools.product((torch.contiguous_format, torch.channels_last), (True, False)):
        with torch.backends.mkldnn.flags(enabled=onednn):
            yield Run(arch, torch.float32, memory_format)


def table(exact, singles):
    """For each key norm, probe and the largest float32 difference."""
    return [{"key": key, "norm": norm(values), "probe": golden_probe(key, values),
             "float32_difference": max(norm(single[key] - values) for single in singles)}
            for key, values in exact.items()]


def training_case(arch):
    exact, singles = Run(arch, torch.float64), list(float32_runs(arch))

    def whole(gradients):
        return np.concatenate([g.ravel() for g in gradients.values()])

    gradient = whole(exact.gradients)
    return {
        "arch": arch, "input": SHAPE, "optimizer": "adam", "lr": LR, "dice": exact.dice, "bce": exact.bce,
        "losses": exact.losses().tolist(),
        "losses_float32_difference": np.max([abs(s.losses() - exact.losses()) for s in singles], 0).tolist(),
        "gradient_norm": norm(gradient),
        "gradient_float32_difference": max(norm(whole(s.gradients) - gradient) for s in singles),
        "gradients": table(exact.gradients, [s.gradients for s in singles]),
        "running_statistics": table(exact.statistics, [s.statistics for s in singles]),
        "final_parameters": table(exact.parameters, [s.parameters for s in singles]),
    }


def main():
    for arch in ARCHITECTURES:
        write(f"training_{arch}.json", training_case(arch))


if __name__ == "__main__":
    main()
