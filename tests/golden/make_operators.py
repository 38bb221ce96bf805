"""Writes operators.json, losses.json and optimizers.json: small cases with all their numbers, in float64.

The gradients of an operator are those of sum(y * dy), dy = golden_fill("NAME.dy", shape of y, -1, 1).
"""

import torch
import torch.nn.functional as F

from golden import golden_fill, golden_mask, write
from unet_torch import dice_loss

F64 = torch.float64


def image(x):
    """[N, H, W, C] -> [N, C, H, W]"""
    return x.permute(0, 3, 1, 2)


def full(tensor):
    return {"shape": list(tensor.shape), "values": tensor.detach().flatten().tolist()}


def operator_case(name, shapes, options, run):
    """`run` maps the inputs, float64 leaves in weft's layouts, to y in weft's layout."""
    limits = {"gamma": (0.5, 1.5), "running_var": (0.5, 1.5)}
    inputs = {key: {"key": f"{name}.{key}", "shape": shape, "low": limits.get(key, (-1, 1))[0],
                    "high": limits.get(key, (-1, 1))[1]} for key, shape in shapes.items()}
    leaves = {key: torch.from_numpy(golden_fill(**spec)).to(F64) for key, spec in inputs.items()}
    learned = {key: leaf.requires_grad_() for key, leaf in leaves.items() if not key.startswith("running")}
    y = run(*leaves.values())
    dy = {"key": f"{name}.dy", "shape": list(y.shape), "low": -1, "high": 1}
    y.backward(torch.from_numpy(golden_fill(**dy)).to(F64))
    case = {"name": name, "options": options, "inputs": inputs, "y": full(y), "dy": dy,
            "gradients": {key: full(leaf.grad) for key, leaf in learned.items() if leaf.grad is not None}}
    running = {key: full(leaf) for key, leaf in leaves.items() if key.startswith("running")}
    return {**case, "running": running} if running else case


def conv2d(name, x, w, with_bias=False, stride=1, padding=0, dilation=1, groups=1):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}

    def run(x, w, b=None):
        return F.conv2d(image(x), w, b, **options).permute(0, 2, 3, 1)

    shapes = {"x": x, "weight": w, **({"bias": w[:1]} if with_bias else {})}
    return operator_case("conv2d " + name, shapes, options, run)


def conv_transpose2d(name, x, w, stride, padding=0, output_padding=0):
    options = {"stride": stride, "padding": padding, "output_padding": output_padding}

    def run(x, w, b):
        return F.conv_transpose2d(image(x), w, b, **options).permute(0, 2, 3, 1)

    return operator_case("conv_transpose2d " + name, {"x": x, "weight": w, "bias": w[1:2]}, options, run)


def pool(name, x, kernel, stride, padding):
    options = {"kernel": kernel, "stride": stride, "padding": padding}
    function = F.max_pool2d if name.startswith("max_pool2d") else F.avg_pool2d

    def run(x):
        return function(image(x), kernel, stride, padding).permute(0, 2, 3, 1)

    return operator_case(name, {"x": x}, options, run)


def upsample(name, x, **mode):
    def run(x):
        return F.interpolate(image(x), scale_factor=2, **mode).permute(0, 2, 3, 1)

    return operator_case(name, {"x": x}, {}, run)


def batch_norm(name, x, training):
    options = {"training": training, "momentum": 0.1, "epsilon": 1e-5}

    def run(x, gamma, beta, mean, var):
        return F.batch_norm(image(x), mean, var, gamma, beta, training, 0.1, 1e-5).permute(0, 2, 3, 1)

    channels = x[-1:]
    shapes = {"x": x, "gamma": channels, "beta": channels, "running_mean": channels, "running_var": channels}
    return operator_case("batch_norm " + name, shapes, options, run)


def operators():
    bilinear = {"mode": "bilinear", "align_corners": False}
    return [
        conv2d("3x3", [2, 5, 7, 3], [4, 3, 3, 3], True, padding=1),
        conv2d("stem", [1, 9, 8, 3], [4, 3, 7, 7], stride=2, padding=3),
        conv2d("1x1 strided", [1, 5, 6, 4], [6, 4, 1, 1], stride=2),
        conv2d("dilated", [1, 7, 8, 2], [3, 2, 3, 3], padding=2, dilation=2),
        conv2d("dilated strided", [1, 9, 10, 2], [2, 2, 3, 3], True, stride=2, padding=1, dilation=3),
        conv2d("grouped", [1, 4, 5, 6], [4, 3, 3, 3], True, padding=1, groups=2),
        conv2d("depthwise", [2, 5, 4, 6], [6, 1, 3, 3], padding=1, groups=6),
        conv2d("depthwise strided", [1, 7, 6, 5], [5, 1, 3, 3], stride=2, padding=1, groups=5),
        conv_transpose2d("2x2", [2, 3, 4, 5], [5, 3, 2, 2], stride=2),
        conv_transpose2d("3x3", [1, 3, 4, 3], [3, 2, 3, 3], stride=2, padding=1, output_padding=1),
        pool("max_pool2d 3x3", [2, 7, 6, 3], 3, 2, 1),
        pool("max_pool2d 2x2", [1, 5, 4, 3], 2, 2, 0),
        pool("avg_pool2d 3x3", [1, 7, 6, 3], 3, 2, 1),
        pool("avg_pool2d 2x2", [1, 4, 6, 3], 2, 2, 0),
        upsample("upsample_nearest2x", [2, 2, 3, 3], mode="nearest"),
        upsample("upsample_bilinear2x", [2, 3, 4, 3], **bilinear),
        upsample("upsample_bilinear2x row", [1, 1, 5, 2], **bilinear),
        upsample("upsample_bilinear2x point", [1, 1, 1, 2], **bilinear),
        batch_norm("training", [2, 3, 4, 5], True),
        batch_norm("training two values", [2, 1, 1, 3], True),
        batch_norm("evaluation", [2, 3, 4, 5], False),
    ]


def loss_case(name, function, z, t):
    """Logits and targets in full, the loss, and its gradient to the logits."""
    z = z.to(F64, copy=True).requires_grad_()
    loss = function(z, t)
    loss.backward()
    return {"loss": name, "logits": full(z), "targets": full(t), "value": loss.item(), "gradient": full(z.grad)}


def binary_cases():
    """Logits and targets [N, H, W, 1]: ordinary, at the ends of the range, without and with nothing but positives."""
    shape = [2, 3, 4, 1]
    z = torch.from_numpy(golden_fill("logits", shape, -4, 4)).to(F64)
    t = torch.from_numpy(golden_mask("targets", shape)).to(F64)
    sure = torch.where(z > 0, 1e4, -1e4).to(F64)
    zeros, ones = torch.zeros_like(t), torch.ones_like(t)
    right = 1e4 * (2 * t - 1)
    soft = torch.from_numpy(golden_fill("soft targets", shape, 0, 1)).to(F64)
    return [(z, t), (sure, t), (right, t), (-right, t), (z, zeros), (z, ones), (-1e4 * ones, zeros), (1e4 * ones, zeros),
            (-1e4 * ones, ones), (100 * z, t), (zeros, t), (z, soft)]


def losses():
    cases = []
    for z, t in binary_cases():
        cases.append(loss_case("dice_loss", dice_loss, z, t))
        cases.append(loss_case("bce_with_logits", F.binary_cross_entropy_with_logits, z, t))
    for rows, classes, scale in ((4, 5, 3), (1, 2, 1e4), (3, 1, 2)):
        z = torch.from_numpy(golden_fill(f"{classes} classes", [rows, classes], -scale, scale))
        cases.append(loss_case("softmax_cross_entropy", F.cross_entropy, z, torch.arange(rows) * 2 % classes))
    return cases


def optimizer_case(name, steps, lr, **options):
    """`steps` updates of golden_fill("parameter", [8], -1, 1) by the gradients golden_fill("gradient.STEP", ...)."""
    make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[name]
    parameter = torch.from_numpy(golden_fill("parameter", [8], -1, 1)).to(F64).requires_grad_()
    optimizer = make([parameter], lr=lr, **{"weight_decay": 0, **options})
    after = []
    for step in range(steps):
        gradient = torch.from_numpy(golden_fill(f"gradient.{step}", [8], -1, 1)).to(F64)
        gradient[0] = 0          # an element that learns nothing
        gradient[1] *= 2.0**-30  # one beside Adam's epsilon
        parameter.grad = gradient
        optimizer.step()
        after.append(parameter.detach().tolist())
    return {"optimizer": name, "lr": lr, "momentum": options.get("momentum", 0),
            "weight_decay": options.get("weight_decay", 0), "parameter_after_step": after}


def optimizers():
    return [
        optimizer_case("adam", 5, 1e-2),
        optimizer_case("adam", 5, 1e-2, weight_decay=0.1),
        optimizer_case("adamw", 5, 1e-2),
        optimizer_case("adamw", 5, 1e-2, weight_decay=0.1),
        optimizer_case("sgd", 5, 0.1),
        optimizer_case("sgd", 5, 0.1, momentum=0.9),
        optimizer_case("sgd", 5, 0.1, weight_decay=0.1),
        optimizer_case("sgd", 5, 0.1, momentum=0.9, weight_decay=0.1),
    ]


def main():
    write("operators.json", operators())
    write("losses.json", losses())
    write("optimizers.json", optimizers())


if __name__ == "__main__":
    main()
