"""Speed of networks: the shipped ones under onnxruntime and OpenVINO, and a U-Net in 2-D and 3-D against torch.

    python benchmarks/network_speed.py [--repeats 7] [--threads 1]

Calls are interleaved, medians in ms; ratios are peer over onnxruntime, above 1 where onnxruntime is faster. What is not
installed (torch with monai, openvino) is left out and said. Float32 throughout, batch 1.
"""

import argparse
import json
import statistics
import tempfile
import time
from functools import partial
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from overread.models import Network
from overread.runtime import Runtime

SHIPPED = {
    "film_encoder": ("encoder.onnx", (5, 1, 224, 224)),
    "film_lungs": ("film_lungs.onnx", (1, 1, 256, 256)),
}


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
    return {name: statistics.median(taken) for name, taken in times.items()}


def openvino_call(path, image, threads):
    """The file compiled for this processor in float32, as a call; None without OpenVINO."""
    if find_spec("openvino") is None:
        return None
    import openvino  # noqa: PLC0415  (not a dependency)

    exact = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY"}
    model = openvino.Core().compile_model(str(path), "CPU", exact)
    return lambda: model(image)[0]


def report(what, threads, calls, repeats):
    """One JSON line: medians, ratios to onnxruntime and the largest difference from its answer."""
    ms = interleaved(calls, repeats)
    ours = calls["onnxruntime"]()
    peers = [name for name in calls if name != "onnxruntime"]
    line = {
        "what": what,
        "threads": threads,
        "ms": {name: round(value, 1) for name, value in ms.items()},
        "ratio": {name: round(ms[name] / ms["onnxruntime"], 2) for name in peers},
        "largest_difference": {name: float(np.abs(np.asarray(calls[name]()) - ours).max()) for name in peers},
    }
    print(json.dumps(line))


def shipped(runtime, repeats):
    """The networks inside the package."""
    for folder, (name, shape) in SHIPPED.items():
        path = Path(str(files("overread.tasks._shared").joinpath(folder, name)))
        network = Network.open(path, sha256=None, runtime=runtime)
        image = np.random.default_rng(0).random(shape).astype(np.float32)
        calls = {"onnxruntime": lambda n=network, i=image: n(i)}
        other = openvino_call(path, image, runtime.threads)
        report(folder, runtime.threads, calls | ({"openvino": other} if other else {}), repeats)


def against_torch(runtime, repeats):
    """The same U-Net in torch, eager and channels_last, and as exported."""
    import torch  # noqa: PLC0415  (an extra)
    from monai.networks.nets import UNet  # noqa: PLC0415

    from overread_lab.train.export import export  # noqa: PLC0415
    from overread_lab.train.training import ExportPlan  # noqa: PLC0415

    torch.set_num_threads(runtime.threads)
    for dims, side, widths in ((2, 512, (32, 64, 128, 256)), (3, 96, (16, 32, 64, 128))):
        torch.manual_seed(0)
        network = UNet(dims, 1, 1, widths, (2, 2, 2), num_res_units=2, norm="batch", act="relu").eval()
        image = np.random.default_rng(0).random((1, 1) + (side,) * dims).astype(np.float32)
        plan = ExportPlan(input_name="image", output_name="answer", shape=(1,) + (side,) * dims, tolerance=1e-4)
        with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
            made = export(network, Path(folder) / "net.onnx", plan, image, notes={})
            opened = Network.open(made.path, sha256=made.sha256, runtime=runtime)
            layout = torch.channels_last if dims == 2 else torch.channels_last_3d
            tensor = torch.from_numpy(image)
            last = UNet(dims, 1, 1, widths, (2, 2, 2), num_res_units=2, norm="batch", act="relu").eval()
            last.load_state_dict(network.state_dict())
            calls = {
                "onnxruntime": partial(opened, image),
                "torch eager": partial(network, tensor),
                "torch channels_last": partial(last.to(memory_format=layout), tensor.to(memory_format=layout)),
            }
            other = openvino_call(made.path, image, runtime.threads)
            report(
                f"U-Net {dims}-D, {side} a side, {widths[0]} channels",
                runtime.threads,
                calls | ({"openvino": other} if other else {}),
                repeats,
            )


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    runtime = Runtime(threads=given.threads)
    shipped(runtime, given.repeats)
    if find_spec("torch") and find_spec("monai"):
        against_torch(runtime, given.repeats)
    else:
        print("without torch and monai: nothing to compare with")
    if find_spec("openvino") is None:
        print("without openvino: left out")


if __name__ == "__main__":
    main()
