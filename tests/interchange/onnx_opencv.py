"""Runs an ONNX file in OpenCV's DNN module and compares logits: onnx_opencv.py MODEL (INPUT.npy LOGITS.npy)...

INPUT is float32 [N, 3, H, W], normalised; all pairs go through one network. Exit status 77 where cv2 is missing.
"""

import sys

try:
    import cv2
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}; Debian has it as python3-opencv")
    sys.exit(77)

model, arrays = sys.argv[1], sys.argv[2:]
network = cv2.dnn.readNetFromONNX(model)
failed = False
for input_path, logits_path in zip(arrays[::2], arrays[1::2]):
    x, expected = np.load(input_path), np.load(logits_path)
    network.setInput(x)
    logits = network.forward()
    assert logits.shape == expected.shape, (logits.shape, expected.shape)
    difference, largest = np.abs(logits - expected).max(), np.abs(expected).max()
    print(f"OpenCV {cv2.__version__}: {list(x.shape)}: logits differ by {difference:.1e}, the largest is {largest:.2f}")
    failed |= not difference <= 1e-4 * max(1, largest)
sys.exit(failed)
