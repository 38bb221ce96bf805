"""Holds ONNX files against the format's own checker: onnx_checker.py MODEL...

Exit status 77 where the package onnx (Debian: python3-onnx) is missing.
"""

import sys

try:
    import onnx
except ImportError as error:
    print(f"skipped: {error}; Debian has it as python3-onnx")
    sys.exit(77)

for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    print(f"onnx {onnx.__version__}: {len(model.graph.node)} nodes, {len(inferred.graph.value_info)} shapes inferred, no complaint")
