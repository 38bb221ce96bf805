"""OpenCV's DNN module as a worker (workers.py): opencv_worker.py MODEL.onnx INPUT SIZE THREADS"""

import json
import sys
import time

import cv2
import numpy as np

model, input_path, size, threads = sys.argv[1:]
cv2.setNumThreads(int(threads))
x = np.fromfile(input_path, np.float32).reshape(1, 3, int(size), int(size))
network = cv2.dnn.readNetFromONNX(model)
print(json.dumps({"ready": f"OpenCV {cv2.__version__}"}), flush=True)
for request in sys.stdin:
    request = request.strip()
    if request == "run":
        begin = time.perf_counter()
        network.setInput(x)
        y = network.forward()
        print(json.dumps({"ms": 1e3 * (time.perf_counter() - begin)}), flush=True)
    else:
        y.tofile(request.split(" ", 1)[1])
        print(json.dumps({"saved": True}), flush=True)
