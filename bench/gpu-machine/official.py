"""The official code on this machine's GPU, as its users run it and as CUDA graphs: python3 official.py FOLDER [--compile].

FOLDER/official/network is that folder of a checkout of the official repository. Results go to torch.json in $OUT."""

import json
import os
import sys
import time

import torch
import torch.nn.functional as F
import torchvision

FOLDER = sys.argv[1]
OUT = os.environ.get("OUT", ".")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CALLS, WARM = (200, 20) if DEVICE == "cuda" else (1, 1)

# The official constructor fetches ImageNet's weights, which it then replaces.
swin_b = torchvision.models.swin_b
torchvision.models.swin_b = lambda weights=None, **options: swin_b(weights=None, **options)
sys.path.insert(0, FOLDER + "/official")
from network import FaceXFormer  # noqa: E402

found = {"torch": torch.__version__, "device": torch.cuda.get_device_name() if DEVICE == "cuda" else "cpu"}


def wait():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def tensor_cores(on):
    """TF32 in products and convolutions."""
    torch.backends.cuda.matmul.allow_tf32 = on
    torch.backends.cudnn.allow_tf32 = on


def measure(call, calls=CALLS, warm=WARM):
    """Milliseconds of calls that are awaited one by one, and of calls that are not."""
    for _ in range(warm):
        call()
    wait()
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        wait()
        times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    start = time.perf_counter()
    for _ in range(calls):
        call()
    wait()
    in_flight = (time.perf_counter() - start) * 1e3 / calls
    return {"p50": times[len(times) // 2], "p95": times[int(len(times) * 0.95)], "least": times[0], "in flight": in_flight}


def note(name, work):
    try:
        found[name] = work()
    except Exception as error:  # one way that fails leaves the others
        found[name] = {"failed": repr(error)[:300]}
    print(name, json.dumps(found[name]), flush=True)
    with open(OUT + "/torch.json", "w") as file:
        json.dump(found, file, indent=1)


def graphed(call):
    """The call's work as one CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def network_of(model, pixels):
    """FaceXFormer's forward without its choice of results by task, which asks the GPU and so cannot be part of a graph."""
    model.multi_scale_features.clear()
    model.backbone(pixels)
    maps = list(model.multi_scale_features)
    finest = maps[0].shape[2:]
    fused = []
    for features, linear in zip(maps, model.linear_c):
        rows = linear(features).permute(0, 2, 1).reshape(features.shape[0], -1, *features.shape[2:])
        fused.append(F.interpolate(rows, size=finest, mode="bilinear", align_corners=False))
    face = model.linear_fuse(torch.cat(fused[::-1], dim=1))
    code = model.pe_layer((face.shape[2], face.shape[3])).unsqueeze(0)
    return model.face_decoder(image_embeddings=face, image_pe=code)


torch.manual_seed(0)
tensor_cores(False)
model = FaceXFormer().eval().to(DEVICE)
pixels = torch.randn(1, 3, 224, 224, device=DEVICE)
task = torch.tensor([0], device=DEVICE)
with torch.inference_mode():
    note("eager, float32", lambda: measure(lambda: model(pixels, None, task)))
    eight, tasks = pixels.repeat(8, 1, 1, 1), task.repeat(8)
    note("eager, float32, eight faces", lambda: measure(lambda: model(eight, None, tasks), max(CALLS // 4, 1), 3))
    if DEVICE == "cuda":
        encoder = swin_b(weights=None).eval().to(DEVICE)
        for name, on in (("float32", False), ("TF32", True)):
            tensor_cores(on)
            if on:
                note("eager, TF32", lambda: measure(lambda: model(pixels, None, task)))
            note("CUDA graph, " + name, lambda: measure(graphed(lambda: network_of(model, pixels))))
            note("CUDA graph, eight faces, " + name, lambda: measure(graphed(lambda: network_of(model, eight)), CALLS // 4))
            note("encoder alone, CUDA graph, " + name, lambda: measure(graphed(lambda: encoder.features(pixels))))
        tensor_cores(False)
        half = swin_b(weights=None).eval().to(DEVICE).half()
        note("encoder alone, CUDA graph, float16", lambda: measure(graphed(lambda: half.features(pixels.half()))))
        if "--compile" in sys.argv:
            compiled = torch.compile(network_of, mode="reduce-overhead")
            note("compiled, float32", lambda: measure(lambda: compiled(model, pixels)))
