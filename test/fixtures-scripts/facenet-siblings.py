"""Writes test/detect/siblings.json: what facenet-pytorch's MTCNN (keep_all) finds in pictures that are made of the fixtures, as test/detect/siblings.ts makes them.

    FACENET=path/of/facenet-pytorch python3 test/fixtures-scripts/facenet-siblings.py        (written with torch 1.13)
"""
import json
import os
import pathlib
import sys

import numpy as np
from PIL import Image

sys.path.insert(0, os.environ["FACENET"])
from models.mtcnn import MTCNN  # noqa: E402

here = pathlib.Path(__file__).parents[1]
read = lambda name: np.array(Image.open(here / "fixtures" / name).convert("RGB"))
group, portrait = read("group.png"), read("astronaut.png")
tall = np.full((1200, 150, 3), 90, np.uint8)
tall[700:828, 11:139] = portrait[::4, ::4]
pictures = {
    "mirrored": group[:, ::-1],
    "upside down": group[::-1, ::-1],
    "turned": np.rot90(group),
    "grey": np.repeat(group[:, :, 1:2], 3, axis=2),
    "dark": group // 3,
    "inverted": 255 - group,
    "odd": group[20:537, 5:338],
    "half as large": group[::2, ::2],
    "tall": tall,
    "a face of twenty pixels": portrait[40:170:6, 160:290:6],
}
detector = MTCNN(keep_all=True)
out = []
for name, pixels in pictures.items():
    boxes, probabilities, points = detector.detect(Image.fromarray(np.ascontiguousarray(pixels)), landmarks=True)
    faces = [] if boxes is None else zip(boxes, probabilities, points)
    found = [{"box": [float(v) for v in box], "probability": float(p), "points": five.astype(float).tolist()} for box, p, five in faces]
    out.append({"image": name, "faces": found})
(here / "detect" / "siblings.json").write_text(json.dumps(out) + "\n")
print({one["image"]: len(one["faces"]) for one in out})
