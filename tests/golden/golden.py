"""What the golden scripts share: numbers from keys, and the form of the files.

No weight is stored. Each is a function of its key in the state dict and its flat index, which golden.h restates:

  h = FNV-1a of the key's bytes, 64 bits
  u_k = (mix(h + (k + 1) * 0x9E3779B97F4A7C15) >> 11) * 2^-53     mix: SplitMix64's (Steele, Lea, Flood 2014)
  x_k = float32(low + (high - low) * u_k)                         k = 0, 1, 2, ... in row-major order
"""

import json
import math
import os

import numpy as np
import torch

FOLDER = os.path.dirname(os.path.abspath(__file__))


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def golden_uniform(key, count):
    """u_0, u_1, ... in [0, 1)."""
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a(key)) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def golden_fill(key, shape, low, high):
    """float32 [shape], uniform in [low, high)."""
    u = golden_uniform(key, math.prod(shape))
    return (low + (high - low) * u).astype(np.float32).reshape(shape)


def golden_mask(key, shape):
    """float32 [shape]: 1 where u > 0.6."""
    return (golden_uniform(key, math.prod(shape)) > 0.6).astype(np.float32).reshape(shape)


def golden_weight(key, shape):
    """The value of a network's parameter or buffer, by the last word of its key and its rank."""
    word = key.rsplit(".", 1)[-1]
    if word == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if word == "running_var" or (word == "weight" and len(shape) == 1):  # one-dimensional: batch norm's scale
        return golden_fill(key, shape, 0.5, 1.5)
    if word in ("bias", "running_mean"):
        return golden_fill(key, shape, -0.3, 0.3)
    limit = math.sqrt(4.0 / (math.prod(shape) // shape[0]))
    return golden_fill(key, shape, -limit, limit)


def golden_network(network, dtype=torch.float32):
    """Fills `network` and returns it as `dtype`; float64 holds the same numbers as float32."""
    with torch.no_grad():
        for key, tensor in network.state_dict().items():
            tensor.copy_(torch.from_numpy(golden_weight(key, tuple(tensor.shape))))
    return network.to(dtype)


def golden_probe(key, values):
    """sum of values_k * p_k, p = golden_fill("probe:" + key, -1, 1): one number that every element enters."""
    values = np.asarray(values, np.float64).ravel()
    return math.fsum(values * golden_fill("probe:" + key, values.shape, -1, 1))


def norm(values):
    return math.sqrt(math.fsum(np.asarray(values, np.float64).ravel() ** 2))


def nchw(values, dtype=torch.float32):
    """[N, H, W, C] in numpy -> [N, C, H, W] in torch."""
    return torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2))).to(dtype)


def nhwc(tensor):
    """[N, C, H, W] in torch -> [N, H, W, C] in numpy, float64."""
    return np.ascontiguousarray(tensor.detach().double().numpy().transpose(0, 2, 3, 1))


def summary(values, count, float32=None, indices=None):
    """What is kept of a large array: mean, std, norm, largest magnitude, and `count` values at fixed places.

    `values` are PyTorch's in float64, `float32` those of its own float32 run; `float32_error` is the largest
    difference of two elements, anywhere in the array, over `largest`.
    """
    values = np.asarray(values, np.float64)
    flat = values.ravel()
    if indices is None:
        # One at a random place in each of `count` equal stretches.
        places = (np.arange(count) + golden_uniform("samples", count)) / count
        indices = np.unique((places * flat.size).astype(np.int64))
    largest = float(np.abs(flat).max())
    result = {"shape": list(values.shape), "mean": float(flat.mean()), "std": float(flat.std()), "norm": norm(flat),
              "largest": largest}
    if float32 is not None:
        result["float32_error"] = float(np.abs(np.asarray(float32, np.float64) - values).max()) / largest
    result["indices"] = [int(i) for i in indices]
    result["values"] = [float(flat[i]) for i in indices]
    return result


def write(name, content):
    """NAME in this folder; float64 values with as many digits as tell them apart."""
    path = os.path.join(FOLDER, name)
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    # One line a value of the two outer levels, so that a change shows in a diff as what it is.
    lines = text.replace('},{', '},\n{').replace('},"', '},\n"')
    with open(path, "w") as file:
        file.write(lines + "\n")
    print(f"{name}: {len(lines) + 1} bytes")
