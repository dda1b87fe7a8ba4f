"""Writes test/image/pillow-resize.json: what Pillow makes of small pictures, for the resize's unit tests.

    python3 test/fixtures-scripts/pillow-resize.py        (needs Pillow; the file was made with 9.4.0)

A picture is a rule and no file: the bytes of [height, width, 4] are successive values of a 32-bit xorshift (13, 17, 5), top byte,
seeded with width * 9973 + height. A result is kept as the SHA-256 of its RGB bytes.
"""
import hashlib
import json
import os

import PIL
from PIL import Image

SIZES = [(1, 1), (1, 9), (2, 3), (5, 224), (224, 5), (224, 224), (223, 225), (57, 91), (448, 112), (300, 7), (301, 287), (1000, 31), (4000, 6), (6, 2500)]
OUT = os.path.join(os.path.dirname(__file__), "..", "image", "pillow-resize.json")


def picture(width, height):
    state, out = width * 9973 + height, bytearray()
    for _ in range(width * height * 4):
        state = (state ^ (state << 13)) & 0xFFFFFFFF
        state ^= state >> 17
        state = (state ^ (state << 5)) & 0xFFFFFFFF
        out.append(state >> 24)
    return Image.frombytes("RGBA", (width, height), bytes(out))


def resized(width, height, to):
    return picture(width, height).convert("RGB").resize((to, to), Image.Resampling.BICUBIC).tobytes()


ALL = [(w, h, 224) for w, h in SIZES] + [(w, h, 4) for w, h in [(1, 1), (3, 5), (4, 9), (19, 4), (61, 47)]]
cases = [{"width": w, "height": h, "to": to, "sha256": hashlib.sha256(resized(w, h, to)).hexdigest()} for w, h, to in ALL]
with open(OUT, "w") as f:
    f.write(json.dumps({"pillow": PIL.__version__, "cases": cases}, indent=2) + "\n")
