"""A trained torch module to an ONNX file, written only if onnxruntime gives the same answers."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from overread.errors import IntegrityError, UsageError
from overread.models import Network
from overread.runtime import Runtime
from overread_lab.train.checkpoint import replace_by_rename
from overread_lab.train.training import ExportPlan

OPSET = 18
SMALL = 16
"""Weights of fewer values stay float32: they cost nothing and are often norms and shapes."""
FLOAT16_MAX = 65504.0


@dataclass(frozen=True, slots=True)
class Exported:
    """The written file: its digest, its size in bytes, and the largest difference from torch that was found."""

    path: Path
    sha256: str
    size: int
    largest_difference: float


def export(
    network: nn.Module, path: Path, plan: ExportPlan, examples: NDArray[np.float32], *, notes: Mapping[str, str]
) -> Exported:
    """Write a network as ONNX, after comparing its answers with torch's.

    Parameters
    ----------
    examples : (n, channel, ...) float32
        What the comparison is made on: real or drawn examples, not zeros.
    notes : dict of str
        Stored in the file: recipe, data, versions.

    Raises
    ------
    IntegrityError
        The answers differ by more than `plan.tolerance`; nothing is written.
    UsageError
        The examples have another shape, or a weight is too large for float16.
    """
    if examples.shape[1:] != plan.shape or examples.dtype != np.float32 or not len(examples):
        raise UsageError(f"examples are {examples.shape} {examples.dtype}, expected (n, *{plan.shape}) float32")
    whole = nn.Sequential(network, nn.Sigmoid()) if plan.sigmoid else network
    whole = whole.to("cpu").to(memory_format=torch.contiguous_format).eval()
    model = _to_onnx(whole, plan)
    if plan.float16:
        _store_float16(model)
    for name in sorted(notes):
        model.metadata_props.append(onnx.StringStringEntryProto(key=name, value=notes[name]))
    onnx.checker.check_model(model)
    data = model.SerializeToString(deterministic=True)
    replace_by_rename(path.with_suffix(".unproven"), lambda neighbour: neighbour.write_bytes(data))
    unproven = path.with_suffix(".unproven")
    try:
        opened = Network.open(unproven, sha256=None, runtime=Runtime(threads=1))
        with torch.inference_mode():
            expected = whole(torch.from_numpy(examples)).numpy()
        difference = float(np.abs(opened(examples) - expected).max())
        if not difference <= plan.tolerance:
            raise IntegrityError(
                f"onnxruntime differs from torch by {difference:.3g}, more than the allowed {plan.tolerance:.3g}",
                where=str(path),
                way_out="Export in float32, or state a larger tolerance.",
            )
        unproven.replace(path)
    finally:
        unproven.unlink(missing_ok=True)
    return Exported(path, opened.sha256, len(data), difference)


def _to_onnx(whole: nn.Module, plan: ExportPlan) -> onnx.ModelProto:
    example = torch.zeros((2, *plan.shape))
    buffer = io.BytesIO()
    quiet = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in quiet]
    try:
        for logger in quiet:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter warns of its own deprecations
            program = torch.onnx.export(
                whole,
                (example,),
                input_names=[plan.input_name],
                output_names=[plan.output_name],
                dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    finally:
        for logger, level in zip(quiet, levels, strict=True):
            logger.setLevel(level)
    program.save(buffer)
    model = onnx.load_from_string(buffer.getvalue())
    return _without_traces(model)


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without the stack traces and file paths that the exporter leaves in a model."""
    model.doc_string = ""
    del model.metadata_props[:]
    graph = model.graph
    graph.doc_string = ""
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
        part.doc_string = ""
    return model


def _store_float16(model: onnx.ModelProto) -> None:
    """Weights in half the bytes, each followed by a cast to float32, which onnxruntime does once when it opens."""
    graph = model.graph
    casts, kept = [], []
    for weight in graph.initializer:
        values: NDArray[Any] = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < SMALL:
            kept.append(weight)
            continue
        if np.abs(values).max() > FLOAT16_MAX:
            raise UsageError(f"weight {weight.name} has values beyond float16", way_out="Export in float32.")
        half = f"{weight.name}.float16"
        kept.append(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [weight.name], to=TensorProto.FLOAT, name=f"{weight.name}.cast"))
    nodes = list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend([*casts, *nodes])
