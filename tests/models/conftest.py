"""Small networks written as ONNX files."""

import hashlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper


def _save(path, nodes, weights, *, rank=4, channels=1, kind=TensorProto.FLOAT):
    free = [f"n{axis}" for axis in range(rank - 2)]
    ports = [
        [helper.make_tensor_value_info(name, kind, ["n", size, *free])]
        for name, size in (("image", channels), ("answer", None))
    ]
    stored = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "small", *ports, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def identity_network(tmp_path):
    """One that gives its input back."""
    return _save(tmp_path / "identity.onnx", [helper.make_node("Identity", ["image"], ["answer"])], {})


@pytest.fixture
def double_network(tmp_path):
    """One that takes float64, which no network of ours may."""
    node = helper.make_node("Identity", ["image"], ["answer"])
    return _save(tmp_path / "double.onnx", [node], {}, kind=TensorProto.DOUBLE)


def convolutions(path, *, dimensions, seed):
    """Three convolutions with random weights, strides and a pooled dense part: what U-Nets are made of."""
    rng = np.random.default_rng(seed)
    weights, nodes, name, channels = {}, [], "image", 1
    for layer, wide in enumerate((24, 40, 8)):
        weights[f"w{layer}"] = rng.normal(0, 0.2, (wide, channels, *[3] * dimensions)).astype(np.float32)
        inputs = [name, f"w{layer}"]
        nodes.append(helper.make_node("Conv", inputs, [f"c{layer}"], pads=[1] * 2 * dimensions))
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]))
        name, channels = f"r{layer}", wide
    weights["dense"] = rng.normal(0, 0.2, (channels, 300)).astype(np.float32)
    nodes += [
        helper.make_node("GlobalAveragePool", [name], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "dense"], ["many"]),
        helper.make_node("ReduceMean", ["many"], ["one"], keepdims=0),
        helper.make_node("Add", [name, "one"], ["answer"]),
    ]
    return _save(path, nodes, weights, rank=dimensions + 2)


@pytest.fixture(params=[2, 3], ids=["pictures", "volumes"])
def convolution_network(tmp_path, request):
    """(path, digest), and an input that suits it."""
    image = np.random.default_rng(1).random((1, 1, *([65, 70] if request.param == 2 else [9, 31, 33])))
    return *convolutions(tmp_path / "net.onnx", dimensions=request.param, seed=0), image.astype(np.float32)
