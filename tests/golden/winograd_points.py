#!/usr/bin/python3
"""The rounding of Winograd's F(4x4, 3x3) and F(6x6, 3x3) in float32 for several choices of points 0, +-a, +-b, ...,
infinity.

Prints, for 64 input channels of ReLU-like data, the largest and the root mean square error against float64, relative
to the output's; core/kernels/isa/winograd_forms.h takes the last row of each. The matrices are solved for, not written down:
A' holds powers of the points, G the filter's values over the products of the points' distances, and B' is what makes
A' [(G g) . (B' d)] a convolution.
"""
import numpy as np

rng = np.random.default_rng(1)
SIDE, C_IN, C_OUT = 48, 64, 16


def matrices(m, halves):
    """A', G and B' for m outputs and the points 0, +-halves and infinity; there are m + 2."""
    points = [0] + [sign * p for p in halves for sign in (1, -1)]
    at, g = np.zeros((m, m + 2)), np.zeros((m + 2, 3))
    for i, p in enumerate(points):
        distances = np.prod([p - q for q in points if q != p])
        at[:, i] = [p**k for k in range(m)]
        g[i] = [p**k / distances for k in range(3)]
    at[m - 1, m + 1] = g[m + 1, 2] = 1
    products = np.array([at[i] * g[:, r] for i in range(m) for r in range(3)])
    wanted = np.array([np.eye(m + 2)[i + r] for i in range(m) for r in range(3)])
    return at, g, np.linalg.lstsq(products, wanted, rcond=None)[0]


def winograd(x, w, mats, dtype):
    at, g, bt = (a.astype(dtype) for a in mats)
    m, n = at.shape
    p = np.pad(x, ((1, 1), (1, 1), (0, 0))).astype(dtype)
    tiles = np.stack([[p[i:i + n, j:j + n] for j in range(0, SIDE, m)] for i in range(0, SIDE, m)])
    v = np.einsum("lb,uvkbc->uvklc", bt, np.einsum("ka,uvabc->uvkbc", bt, tiles))
    u = np.einsum("lj,kjco->klco", g, np.einsum("ki,ijco->kjco", g, w.astype(dtype)))
    sums = np.matmul(v.transpose(2, 3, 0, 1, 4).reshape(n * n, -1, C_IN), u.reshape(n * n, C_IN, C_OUT))
    sums = sums.reshape(n, n, SIDE // m, SIDE // m, C_OUT)
    y = np.einsum("nl,mluvo->uvmno", at, np.einsum("mk,kluvo->mluvo", at, sums))
    return y.transpose(0, 2, 1, 3, 4).reshape(SIDE, SIDE, C_OUT)


def direct(x, w):
    p = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    return sum(p[i:i + SIDE, j:j + SIDE] @ w[i, j] for i in range(3) for j in range(3))


x = np.maximum(rng.normal(size=(SIDE, SIDE, C_IN)), 0)
w = rng.normal(size=(3, 3, C_IN, C_OUT)) / np.sqrt(9 * C_IN)
exact = direct(x, w)


def report(name, y):
    error = y - exact
    print("%-24s largest %.1e   rms %.1e" % (name, abs(error).max() / abs(exact).max(),
                                             np.sqrt((error**2).mean() / (exact**2).mean())))


report("direct", direct(x.astype(np.float32), w.astype(np.float32)))
root = 0.5**0.5
for name, m, halves in (("4: 1, 2", 4, (1, 2)), ("4: 1/2, 1", 4, (0.5, 1)), ("4: 3/4, 3/2", 4, (0.75, 1.5)),
                        ("4: sqrt(1/2), sqrt(2)", 4, (root, 1 / root)), ("6: 2/3, 1, 3/2", 6, (2 / 3, 1, 1.5)),
                        ("6: sqrt(1/2), 1, sqrt(2)", 6, (root, 1, 1 / root)), ("6: 1/2, 1, 2", 6, (0.5, 1, 2))):
    mats = matrices(m, halves)
    assert abs(winograd(x, w, mats, np.float64) - exact).max() < 1e-9
    report(name, winograd(x, w, mats, np.float32))
