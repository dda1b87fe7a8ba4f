"""Writes test/cli/pillow-jpeg.json: small JPEG files of every kind that is read in Node, and the SHA-256 of the RGB bytes that Pillow (libjpeg) reads of them.

    python3 test/fixtures-scripts/pillow-jpeg.py        (written with Pillow 9.4 on libjpeg-turbo 2.1.5; needs gcc and libjpeg's headers)
"""
import base64
import hashlib
import io
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from PIL import Image

here = pathlib.Path(__file__).parent
folder = tempfile.TemporaryDirectory()
encoder = pathlib.Path(folder.name, "jpeg-encode")
subprocess.run(["gcc", "-o", encoder, here / "jpeg-encode.c", "-ljpeg"], check=True)
portrait = np.array(Image.open(here.parent / "fixtures" / "astronaut.png").convert("RGB"))
noise = np.random.default_rng(0).integers(0, 256, (64, 64, 4), dtype=np.uint8)
out = []


def keep(name, file):
    rgb = np.array(Image.open(io.BytesIO(file)).convert("RGB"))
    out.append({"name": name, "file": base64.b64encode(file).decode(), "sha256": hashlib.sha256(rgb.tobytes()).hexdigest()})


def without_codes(file):
    """As cameras send frames: the tables of codes are the standard's, and left out."""
    at = file.index(b"\xff\xc4")
    while file[at + 1] == 0xC4:
        file = file[:at] + file[at + 2 + int.from_bytes(file[at + 2 : at + 4], "big") :]
    return file


def add(sampling, colours, scans="baseline", restart=0, quality=85, size=(35, 21), picture="portrait"):
    (width, height), count = size, 1 + sampling.count(",")
    pixels = noise[:height, :width, :count]
    if picture == "portrait":
        pixels = portrait[70 : 70 + height, 200 : 200 + width]
        pixels = np.concatenate([pixels, 255 - pixels[:, :, :1] // 2], axis=2)[:, :, :count]
    options = [sampling, colours, scans, restart, quality, width, height]
    file = subprocess.run([encoder, *map(str, options)], input=pixels.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    keep(f"{colours} {sampling} {scans} {width} x {height}, {picture} at {quality}, restart {restart}", file)


for luma in ("11", "22", "21", "12", "41", "14", "42", "24"):
    for scans, restart in (("baseline", 0), ("progressive", 2), ("apart", 3)):
        add(f"{luma},11,11", "ycc", scans, restart)
for size in ((1, 1), (3, 2), (4, 5), (8, 8), (17, 33)):
    for luma in ("22", "21", "12"):
        add(f"{luma},11,11", "ycc", "progressive" if luma == "21" else "baseline", size=size, picture="noise")
for scans in ("baseline", "progressive"):
    for colours, sampling in (("grey", "11"), ("grey", "22"), ("rgb", "11,11,11"), ("rgb", "21,11,11"), ("cmyk", "11,11,11,11"), ("ycck", "22,11,11,22")):
        add(sampling, colours, scans, restart=1)
for sampling in ("11,22,22", "22,21,12", "21,12,11", "31,11,11"):
    add(sampling, "ycc", "progressive" if sampling == "11,22,22" else "baseline")
for quality in (1, 30, 100):
    for scans in ("baseline", "progressive"):
        add("22,11,11", "ycc", scans, quality=quality, picture="noise")
file = io.BytesIO()
Image.fromarray(noise[:21, :35, :3]).save(file, "JPEG", quality=85)
keep("frame of a camera, without tables of codes", without_codes(file.getvalue()))
path = here.parent / "cli" / "pillow-jpeg.json"
path.write_text(json.dumps(out, indent=1) + "\n")
print(len(out), "files,", path.stat().st_size, "bytes")
