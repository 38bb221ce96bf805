"""weft's own model from Python, by ctypes and numpy:   cut_out.py PHOTOGRAPH CUTOUT.png

Needs libweft.so where the loader finds it, or its path in WEFT_LIBRARY, and Pillow to read and write pictures.
"""
import ctypes
import os
import sys

import numpy as np

MASK, PROBABILITY, CUTOUT, CLASSES = 1, 2, 4, 8

library = ctypes.CDLL(os.environ.get("WEFT_LIBRARY", "libweft.so.0.1"))
for name, result in {"weft_open": ctypes.c_void_p, "weft_model_error": ctypes.c_char_p, "weft_run": ctypes.c_void_p,
                     "weft_result_error": ctypes.c_char_p, "weft_result_cutout": ctypes.c_void_p,
                     "weft_model_free": None, "weft_result_free": None}.items():
    getattr(library, name).restype = result
library.weft_run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, ctypes.c_ssize_t, ctypes.c_uint]
for name in ("weft_model_error", "weft_model_free", "weft_result_error", "weft_result_cutout", "weft_result_free"):
    getattr(library, name).argtypes = [ctypes.c_void_p]
library.weft_open.argtypes = [ctypes.c_char_p, ctypes.c_void_p]


class Model:
    def __init__(self, path=None):
        self.handle = library.weft_open(os.fsencode(path) if path else None, None)
        if error := library.weft_model_error(self.handle):
            raise RuntimeError(error.decode(errors="replace"))

    def __del__(self):
        library.weft_model_free(self.handle)

    def cutout(self, rgb):
        """uint8 [height, width, 3] -> uint8 [height, width, 4]"""
        rgb = np.ascontiguousarray(rgb, np.uint8)
        height, width, _ = rgb.shape
        result = library.weft_run(self.handle, rgb.ctypes.data, width, height, 3 * width, CUTOUT)
        try:
            if error := library.weft_result_error(result):
                raise RuntimeError(error.decode(errors="replace"))
            pixels = ctypes.string_at(library.weft_result_cutout(result), 4 * width * height)
            return np.frombuffer(pixels, np.uint8).reshape(height, width, 4)
        finally:
            library.weft_result_free(result)


if __name__ == "__main__":
    from PIL import Image
    photograph = np.asarray(Image.open(sys.argv[1]).convert("RGB"))
    Image.fromarray(Model().cutout(photograph)).save(sys.argv[2])
