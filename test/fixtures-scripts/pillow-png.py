"""Writes test/cli/pillow-png.json: small PNG files of every kind, whole and damaged, and the SHA-256 of the RGB bytes that Pillow reads of them; null where it refuses.

    python3 test/fixtures-scripts/pillow-png.py        (written with Pillow 12.3)
"""
import base64
import hashlib
import io
import json
import pathlib
import random
import struct
import zlib

from PIL import Image

random.seed(1)
WHOLE = [(0, 0, 1, 1)]
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]}
SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"\0\0\0\0IEND\xaeB`\x82"
out = []


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(size, colour, depth, packed, before=b"", interlaced=0):
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlaced)
    return SIGNATURE + chunk(b"IHDR", header) + before + packed + END


def noise(size, colour, depth, interlaced):
    """Rows of every filter, of every pass."""
    rows = b""
    for left, top, across, down in ADAM7 if interlaced else WHOLE:
        width, height = -(-(size[0] - left) // across), -(-(size[1] - top) // down)
        for y in range(height if width > 0 else 0):
            rows += bytes([y % 5]) + random.randbytes((width * SAMPLES[colour] * depth + 7) // 8)
    return rows


def keep(name, file):
    try:
        image = Image.open(io.BytesIO(file))
        image.load()
        # of 16 bits of grey Pillow has all; browsers have the upper eight
        rgb = bytes(v >> 8 for v in image.get_flattened_data() for _ in range(3)) if image.mode == "I;16" else image.convert("RGB").tobytes()
        sha256 = hashlib.sha256(rgb).hexdigest()
    except Exception:
        sha256 = None
    out.append({"name": name, "file": base64.b64encode(file).decode(), "sha256": sha256})


for colour, depths in DEPTHS.items():
    for depth in depths:
        for interlaced in (0, 1):
            size = (1, 2) if interlaced and depth == 8 else (11, 6)
            packed = zlib.compress(noise(size, colour, depth, interlaced))
            parts = b"".join(chunk(b"IDAT", packed[at : at + 40]) for at in range(0, len(packed), 40))
            palette = chunk(b"PLTE", random.randbytes(3 * 2 ** (depth - 1))) if colour == 3 else b""
            keep(f"colour type {colour} of {depth} bits{', interlaced' if interlaced else ''}", png(size, colour, depth, parts, palette, interlaced))

packed = zlib.compress(b"\0\1\2\3\0\4\5\6")
pixels = chunk(b"IDAT", packed)
whole = png((3, 2), 0, 8, pixels)
for less in (1, 4, 8, 12, 13, 16, 20, 21, 22, 24, 40):
    keep(f"cut by {less} bytes", whole[:-less])
keep("IEND's checksum wrong", whole[:-1] + b"?")
keep("the pixels' checksum wrong", png((3, 2), 0, 8, pixels[:-1] + b"?"))
keep("the header's checksum wrong", whole[:29] + b"????" + whole[33:])
keep("the palette's checksum wrong", png((3, 2), 3, 8, pixels, chunk(b"PLTE", bytes(24))[:-1] + b"?"))
keep("deflate's checksum wrong", png((3, 2), 0, 8, chunk(b"IDAT", packed[:-1] + b"?")))
keep("deflate's checksum missing", png((3, 2), 0, 8, chunk(b"IDAT", packed[:-4])))
keep("more rows than it says", png((3, 1), 0, 8, pixels))
keep("other bytes in place of IEND", whole[:-12] + b"of some camera")
keep("an unknown part that is said to matter", png((3, 2), 0, 8, pixels, chunk(b"ABCD", b"?")))
keep("an unknown filter", png((3, 2), 0, 8, chunk(b"IDAT", zlib.compress(b"\7\1\2\3\0\4\5\6"))))
keep("a palette of 257 colours", png((3, 2), 3, 8, pixels, chunk(b"PLTE", bytes(771))))
keep("a colour type with bits that it cannot have", png((3, 2), 2, 4, pixels))
coloured = chunk(b"PLTE", bytes(range(24)))
for kind, other in ((b"PLTE", bytes(range(24, 48))), (b"IHDR", whole[16:29])):
    keep(f"another {kind.decode()} behind the pixels", png((3, 2), 3, 8, pixels + chunk(kind, other), coloured))
keep("a broken signature", whole.replace(b"\r\n", b"\n", 1))

path = pathlib.Path(__file__).parent.parent / "cli" / "pillow-png.json"
path.write_text(json.dumps(out, indent=1) + "\n")
print(len(out), "files,", path.stat().st_size, "bytes")
