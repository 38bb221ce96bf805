"""What a PyTorch user would write for infer_unet: torch_script.py MODEL.pt SIZE PHOTO OUT.png THREADS

MODEL is frozen TorchScript, which starts faster than building the network in Python and loading its weights. With
--freeze MODEL.safetensors MODEL.pt SIZE it is made.
"""

import os
import sys
import warnings

import cv2
import numpy as np
import torch

MEAN, DEVIATION = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def freeze(model, out, size):
    sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden"))
    from unet_torch import load_unet
    warnings.simplefilter("ignore")
    network = load_unet(model).to(memory_format=torch.channels_last)
    x = torch.zeros(1, 3, size, size).contiguous(memory_format=torch.channels_last)
    torch.jit.save(torch.jit.freeze(torch.jit.trace(network, x)), out)


def infer(model, size, photo, out, threads):
    torch.set_num_threads(threads)
    network = torch.jit.load(model)
    picture = cv2.cvtColor(cv2.imread(photo), cv2.COLOR_BGR2RGB)
    canvas = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    x = torch.from_numpy(((canvas / np.float32(255) - MEAN) / DEVIATION).transpose(2, 0, 1)[None])
    with torch.no_grad():
        logits = network(x.contiguous(memory_format=torch.channels_last))[0, 0].numpy()
    logits = cv2.resize(logits, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    cv2.imwrite(out, np.where(logits >= 0, 255, 0).astype(np.uint8))
    print(f"{photo} -> {out} ({100 * (logits >= 0).mean():.1f}% clothing)")


if sys.argv[1] == "--freeze":
    freeze(sys.argv[2], sys.argv[3], int(sys.argv[4]))
else:
    infer(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5]))
