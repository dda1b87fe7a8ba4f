"""Writes beside this file what SciPy and pickle write of data sets: fixtures/lfw_att_40.mat, fixtures/indices_train_test.mat and fixtures/lfw.bin.

    pip install scipy && python3 test/cli/evaluate/sets.py
"""
import pathlib
import pickle
import struct
import zlib

import numpy as np
import scipy.io

fixtures = pathlib.Path(__file__).parent / "fixtures"
names = np.array(["Ann_A\\Ann_A_0001.jpg", "Bob_B\\Bob_B_0001.jpg"], dtype=object).reshape(2, 1)
attributes = np.array(["Male", "5 o Clock Shadow"], dtype=object).reshape(2, 1)
labels = np.array([[1.0, 0.0], [0.0, 0.0]])
scipy.io.savemat(fixtures / "lfw_att_40.mat", {"name": names, "AttrName": attributes, "label": labels}, do_compression=True)
scipy.io.savemat(fixtures / "indices_train_test.mat", {"indices_img_test": np.array([[2]], dtype=np.uint16)})


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(red):
    header = struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes([red, 0, 0]) * 4) * 4
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


# Pairs of one person are 10 and 11, of two 0 and 100.
pictures = [png(10 + i % 2 if i % 4 < 2 else 100 * (i % 2)) for i in range(40)]
with open(fixtures / "lfw.bin", "wb") as file:
    pickle.dump((pictures, [i % 2 == 0 for i in range(20)]), file, protocol=4)
