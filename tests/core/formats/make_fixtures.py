#!/usr/bin/env python3
"""Writes the files under fixtures/ with PyTorch (made with 1.13). Their values are restated in test_torch_file.cpp."""

import os
import zipfile
from collections import OrderedDict

import torch

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")


def path(name):
    return os.path.join(FOLDER, name)


def state_dict(prefix=""):
    base = torch.arange(24, dtype=torch.float32)
    tensors = OrderedDict()
    tensors["matrix"] = base[:6].reshape(2, 3)
    tensors["transposed"] = base.reshape(4, 6).t()  # shares, strides
    tensors["view"] = base.reshape(4, 6)[1:3, 1::2]  # shares, offset, strides
    tensors["parameter"] = torch.nn.Parameter(torch.tensor([0.5, -0.25]))
    tensors["half"] = torch.tensor([1.5, -65504.0, 2.0 ** -24], dtype=torch.float16)
    tensors["bfloat16"] = torch.tensor([1.5, 3.0 * 2.0 ** 100], dtype=torch.bfloat16)
    tensors["double"] = torch.tensor([[0.1]], dtype=torch.float64)
    tensors["num_batches_tracked"] = torch.tensor(1234567890123)
    tensors["int32"] = torch.tensor([-7], dtype=torch.int32)
    tensors["uint8"] = torch.tensor([255, 0], dtype=torch.uint8)
    tensors["bool"] = torch.tensor([True, False])
    tensors["empty"] = torch.zeros(0, 3)
    result = OrderedDict((prefix + name, tensor) for name, tensor in tensors.items())
    result._metadata = OrderedDict([("", {"version": 1})])  # as Module.state_dict() leaves it
    return result


def checkpoint(key, prefix):
    weight = torch.nn.Parameter(torch.ones(2))
    adam = torch.optim.Adam([weight])
    weight.sum().backward()
    adam.step()
    return {"epoch": 3, "best": 0.1, "big": 2 ** 70, "names": ["a", ("b", None, True)], key: state_dict(prefix),
            "optimizer": adam.state_dict()}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    torch.save(state_dict(), path("new.pth"))
    torch.save(state_dict(), path("legacy.pth"), _use_new_zipfile_serialization=False)
    torch.save(checkpoint("model", "module."), path("new_nested.pth"))
    torch.save(checkpoint("state_dict", "module."), path("legacy_nested.pth"), _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(1, 1), path("module.pth"))
    with zipfile.ZipFile(path("new.pth")) as stored, zipfile.ZipFile(path("deflated.pth"), "w", zipfile.ZIP_DEFLATED) as out:
        for name in stored.namelist():
            out.writestr(zipfile.ZipInfo(name), stored.read(name), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
