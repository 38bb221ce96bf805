"""PyTorch as a worker (workers.py): torch_worker.py infer|train MODEL.safetensors INPUT TARGETS SIZE BATCH THREADS [classic]

With "classic" MODEL holds the weights of docs/examples/classic_unet.h.

Inference: the traced network, frozen, which folds batch norm, and optimised for inference; in both memory layouts and
in oneDNN's own, whichever is the fastest here. Training: channels last, 0.5 Dice + 0.5 BCE, Adam.
"""

import json
import os
import sys
import time
import warnings

import numpy as np
import torch

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden"))
from unet_torch import load_unet, segmentation_loss  # noqa: E402
from classic_unet_torch import load_classic_unet  # noqa: E402

LAYOUTS = {"channels last": torch.channels_last, "channels first": torch.contiguous_format}


def seconds(action):
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def inference_forms(network, x):
    for name, layout in LAYOUTS.items():
        network, x = network.to(memory_format=layout), x.contiguous(memory_format=layout)
        frozen = torch.jit.freeze(torch.jit.trace(network, x))
        yield f"{name}, frozen", lambda f=frozen, x=x: f(x)
        optimised = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, x)))
        yield f"{name}, frozen, optimised", lambda f=optimised, x=x: f(x)


def fastest_inference(network, x):
    best = None
    for name, run in inference_forms(network, x):
        for _ in range(3):  # the first runs compile
            run()
        time_taken = min(seconds(run) for _ in range(3))
        if best is None or time_taken < best[0]:
            best = (time_taken, name, run)
    return best[1:]


def training(network, x, targets):
    network = network.to(memory_format=torch.channels_last).train()
    x = x.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = segmentation_loss(network(x), targets)
        loss.backward()
        optimizer.step()
        return loss

    return "channels last", step


def main():
    mode, model, input_path, targets_path, size, batch, threads, *kind = sys.argv[1:]
    size, batch = int(size), int(batch)
    warnings.simplefilter("ignore")
    torch.set_num_threads(int(threads))
    torch.set_flush_denormal(True)
    x = torch.from_numpy(np.fromfile(input_path, np.float32).reshape(batch, 3, size, size))
    network = load_classic_unet(model) if kind == ["classic"] else load_unet(model)
    is_training = mode == "train"
    torch.set_grad_enabled(is_training)
    if is_training:
        targets = torch.from_numpy(np.fromfile(targets_path, np.float32).reshape(batch, 1, size, size))
        setting, run = training(network, x, targets)
    else:
        setting, run = fastest_inference(network, x)
    print(json.dumps({"ready": f"PyTorch {torch.__version__} ({setting})"}), flush=True)

    for request in sys.stdin:
        request = request.strip()
        if request == "run":
            begin = time.perf_counter()
            y = run()
            ms = 1e3 * (time.perf_counter() - begin)
            print(json.dumps({"ms": ms, "loss": y.item() if is_training else 0}), flush=True)
        else:
            y.contiguous().numpy().tofile(request.split(" ", 1)[1])
            print(json.dumps({"saved": True}), flush=True)


main()
