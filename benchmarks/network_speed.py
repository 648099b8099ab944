"""Speed of networks: the shipped lung network on one film, and onnxruntime against torch where torch is installed.

    python benchmarks/network_speed.py [--repeats 7] [--threads 1]

Calls are interleaved, medians in ms. The U-Net has 32 channels first and sees 512 x 512 pixels, batch 1, float32.
"""

import argparse
import json
import statistics
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from overread.models import Network
from overread.runtime import Runtime
from overread.tasks._shared.film_lungs import LungFinder


def interleaved(calls, repeats):
    """Median ms of each call, taken in turns after one warm-up."""
    times = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(1000 * (time.perf_counter() - start))
    return {name: round(statistics.median(taken), 1) for name, taken in times.items()}


def lungs(runtime, repeats):
    """Opening and asking the shipped network."""
    film = np.random.default_rng(0).random((2048, 2048)).astype(np.float32)
    finder = LungFinder.open(runtime)
    calls = {"open": lambda: LungFinder.open(runtime), "find, film of 2048 x 2048": lambda: finder.find(film)}
    return {"what": "film_lungs", "threads": runtime.threads, "ms": interleaved(calls, repeats)}


def against_torch(runtime, repeats):
    """The same U-Net in torch and in onnxruntime, and how far they differ."""
    import torch  # noqa: PLC0415  (an extra)
    from monai.networks.nets import UNet  # noqa: PLC0415

    from overread_lab.train.export import export  # noqa: PLC0415
    from overread_lab.train.training import ExportPlan  # noqa: PLC0415

    torch.set_num_threads(runtime.threads)
    torch.manual_seed(0)
    network = UNet(2, 1, 1, (32, 64, 128, 256), (2, 2, 2), num_res_units=2, norm="batch", act="relu").eval()
    image = np.random.default_rng(0).random((1, 1, 512, 512)).astype(np.float32)
    plan = ExportPlan(input_name="image", output_name="answer", shape=(1, 512, 512), tolerance=1e-4)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        made = export(network, Path(folder) / "net.onnx", plan, image, notes={})
        opened = Network.open(made.path, sha256=made.sha256, runtime=runtime)
        tensor = torch.from_numpy(image)
        calls = {"torch eager": lambda: network(tensor), "onnxruntime": lambda: opened(image)}
        found = interleaved(calls, repeats)
        last = network.to(memory_format=torch.channels_last)
        tensor_last = tensor.to(memory_format=torch.channels_last)
        calls = {"torch channels_last": lambda: last(tensor_last), "onnxruntime again": lambda: opened(image)}
        found |= interleaved(calls, repeats)
    return {
        "what": "U-Net, 32 channels, 512 x 512",
        "threads": runtime.threads,
        "weights": sum(weight.numel() for weight in network.parameters()),
        "ms": found,
        "largest_difference": made.largest_difference,
    }


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    runtime = Runtime(threads=given.threads)
    print(json.dumps(lungs(runtime, given.repeats)))
    if find_spec("torch") is None:
        print("without torch: nothing to compare with")
    else:
        print(json.dumps(against_torch(runtime, given.repeats)))


if __name__ == "__main__":
    main()
