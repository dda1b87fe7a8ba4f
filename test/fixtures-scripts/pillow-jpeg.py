# Writes test/cli/pillow-jpeg.json: small JPEG files of each sampling of colours, and the RGB bytes that Pillow (libjpeg) reads of them.
import base64
import io
import json
import pathlib

import numpy as np
from PIL import Image

y, x = np.mgrid[:21, :35]
pixels = np.stack([127 + 120 * np.sin(x / 3), 127 + 120 * np.cos(y / 2.5), 127 + 120 * np.sin((x + y) / 4)], axis=-1).astype(np.uint8)
picture = Image.fromarray(pixels)
out = []
for name, options in {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "4:2:0, progressive": {"subsampling": 2, "progressive": True},
}.items():
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92, **options)
    rgb = np.array(Image.open(io.BytesIO(file.getvalue())).convert("RGB"))
    out.append({"name": name, "file": base64.b64encode(file.getvalue()).decode(), "rgb": base64.b64encode(rgb.tobytes()).decode()})
path = pathlib.Path(__file__).parents[1] / "cli" / "pillow-jpeg.json"
path.write_text(json.dumps(out, indent=1) + "\n")
