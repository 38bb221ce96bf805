#!/usr/bin/env python3
"""Draws the figures of docs/kernels.md: draw_kernels.py FOLDER. Needs nothing but Python."""

import os
import sys

BLUE, ORANGE, GREEN, GREY, RED = "#9dc3e6", "#f0b98d", "#b7d8a8", "#eeeeee", "#e6a0a0"


class Drawing:
    def __init__(self, width, height):
        self.size, self.parts = (width, height), []

    def box(self, x, y, width, height, fill=GREY, text="", title=""):
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}" stroke="#555" stroke-width="0.6"/>')
        if text:
            self.text(x + width / 2, y + height / 2 + 4, text, "middle")

    def text(self, x, y, text, anchor="start", size=11, colour="#222"):
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{text}</text>')

    def arrow(self, x1, y1, x2, y2, colour="#555"):
        self.parts.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" marker-end="url(#end)"/>')

    def save(self, path):
        width, height = self.size
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">\n'
                '<defs><marker id="end" markerWidth="8" markerHeight="8" refX="7" refY="3" orient="auto">'
                '<path d="M0,0 L7,3 L0,6 z" fill="#555"/></marker></defs>\n'
                f'<rect width="{width}" height="{height}" fill="white"/>\n')
        with open(path, "w") as file:
            file.write(head + "\n".join(self.parts) + "\n</svg>\n")


def implicit_product():
    """im2col's matrix, and the pointers that replace it."""
    d, cell = Drawing(960, 300), 22
    d.text(20, 24, "the picture: a box is a pixel", size=12)
    for row in range(6):
        for column in range(6):
            fill = BLUE if 1 <= row <= 3 and 1 <= column <= 3 else GREY
            fill = ORANGE if 1 <= row <= 3 and column == 4 else fill
            d.box(20 + cell * column, 40 + cell * row, cell, cell, fill)
    d.text(20, 190, "two neighbouring outputs, 3x3:")
    d.text(20, 206, "blue is read by the first, the two right")
    d.text(20, 222, "columns of blue and the orange by the second")
    d.text(300, 24, "im2col: a row for each output, nine times the picture", size=12)
    for row in range(4):
        for tap in range(9):
            d.box(300 + 26 * tap, 40 + 22 * row, 26, 22, ORANGE if row == 1 and tap % 3 == 2 else BLUE if row < 2 else GREY,
                  f"{tap // 3},{tap % 3}" if row == 0 else "")
    d.text(300, 150, "x   W [9 Cin x Cout]   =   y [pixels x Cout]")
    d.text(660, 24, "implicit: a pointer for each pixel of the tile", size=12)
    for i in range(6):
        d.box(660, 40 + 22 * i, 70, 22, GREEN, f"pixel {i}")
        d.arrow(730, 51 + 22 * i, 800, 51 + 22 * i)
    d.text(806, 90, "the picture itself,")
    d.text(806, 106, "where it lies; a row of")
    d.text(806, 122, "zeros past its border")
    d.text(660, 196, "for each tap (u, v): add the tap's offset,")
    d.text(660, 212, "the same for all six;")
    d.text(660, 228, "for each channel: multiply and add.")
    d.text(20, 270, "The sums are the same. Nothing is copied, and padding, stride and dilation are gone once the pointers are there.", size=12)
    return d


def register_tile():
    """6 pixels times 4 vectors of 16 channels."""
    d = Drawing(780, 300)
    d.text(20, 24, "one step: input channel k", size=12)
    for v in range(4):
        d.box(170 + 120 * v, 40, 110, 26, ORANGE, f"W[k][{16 * v}..{16 * v + 15}]")
    d.text(665, 57, "4 vector loads")
    for m in range(6):
        d.box(40, 80 + 32 * m, 110, 26, BLUE, f"x[pixel {m}][k]")
        for v in range(4):
            d.box(170 + 120 * v, 80 + 32 * m, 110, 26, GREEN, f"acc[{m}][{v}]")
    d.text(665, 97, "24 accumulators,")
    d.text(665, 113, "all in registers")
    d.text(20, 290, "6 broadcasts + 4 loads for 24 multiply-adds of 16 numbers: the multiplier is the limit, not the load ports.", size=12)
    return d


def upsampled_taps():
    """What a 3-tap filter meets in a row where each pixel stands twice."""
    d = Drawing(780, 250)
    colours = [BLUE, ORANGE, GREEN, RED]
    d.text(20, 24, "one row of x, and the same row upsampled: each pixel stands twice", size=12)
    for i in range(4):
        d.box(140 + 120 * i, 36, 120, 26, colours[i], f"x[{i - 1}]")
        for k in range(2):
            d.box(140 + 120 * i + 60 * k, 74, 60, 26, colours[i], f"u[{2 * i + k - 2}]")
    d.text(20, 54, "x")
    d.text(20, 92, "upsampled")
    d.text(20, 134, "y[0] meets")
    d.box(200, 116, 60, 26, BLUE, "w0")
    d.box(260, 116, 60, 26, ORANGE, "w1")
    d.box(320, 116, 60, 26, ORANGE, "w2")
    d.text(400, 134, "=  w0 x[-1] + (w1 + w2) x[0]")
    d.text(20, 172, "y[1] meets")
    d.box(260, 154, 60, 26, ORANGE, "w0")
    d.box(320, 154, 60, 26, ORANGE, "w1")
    d.box(380, 154, 60, 26, GREEN, "w2")
    d.text(460, 172, "=  (w0 + w1) x[0] + w2 x[1]")
    d.text(20, 214, "Two filters of two taps on x itself: 4 products for 2 outputs instead of 6. With what both share it is 5 for 4,", size=12)
    d.text(20, 232, "in two dimensions 25 for 16 instead of 144.", size=12)
    return d


def ring_of_rows():
    """MobileNetV2's block by bands of rows."""
    d = Drawing(780, 330)
    d.text(20, 24, "x, in memory", size=12)
    d.text(250, 24, "expanded: a ring of rows, in the cache", size=12)
    d.text(570, 24, "y, in memory", size=12)
    for row in range(8):
        is_new = row == 5
        d.box(20, 40 + 28 * row, 130, 24, ORANGE if is_new else BLUE if row < 5 else GREY, f"row {row}")
        d.box(570, 40 + 28 * row, 130, 24, GREEN if row < 4 else ORANGE if row == 4 else GREY, f"row {row}")
    for slot, (text, fill) in enumerate([("row 3", BLUE), ("row 4", BLUE), ("row 5, over row 2", ORANGE)]):
        d.box(250, 96 + 28 * slot, 210, 24, fill, text)
    d.arrow(150, 192, 248, 164)
    d.text(158, 206, "1. expand (1x1)")
    d.arrow(462, 136, 500, 152)
    d.box(480, 156, 70, 24, RED, "one row")
    d.text(470, 206, "2. depthwise 3x3")
    d.arrow(550, 166, 568, 164)
    d.text(570, 282, "3. project (1x1)")
    d.text(20, 312, "A row of depthwise outputs needs three expanded rows. The expanded picture, six times as large as x, is never in memory.", size=12)
    return d


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for draw in (implicit_product, register_tile, upsampled_taps, ring_of_rows):
        draw().save(os.path.join(folder, draw.__name__ + ".svg"))


if __name__ == "__main__":
    main()
