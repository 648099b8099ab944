"""A trained network: an ONNX file opened by its digest and run by onnxruntime. Not what goes in, nor what comes out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import IntegrityError, ResourceError, UsageError
from overread.models.weights import read_weights
from overread.runtime import Runtime

_TYPES: dict[str, np.dtype[Any]] = {"tensor(float)": np.dtype(np.float32), "tensor(int64)": np.dtype(np.int64)}


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: its name, its shape (None where any length will do) and its type."""

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        lengths = ", ".join("any" if length is None else str(length) for length in self.shape)
        return f"{self.name} ({lengths}) {self.dtype}"

    def fits(self, array: NDArray[Any]) -> bool:
        """Whether an array has this type and a shape that will do."""
        return (
            array.dtype == self.dtype
            and array.ndim == len(self.shape)
            and all(want in (None, got) for want, got in zip(self.shape, array.shape, strict=True))
        )


class Network:
    """An open network. Its answers are equal to the last bit at any number of threads.

    Parameters
    ----------
    inputs, outputs : tuple of Port
    sha256 : str
        Of the file, for provenance.
    """

    def __init__(self, session: Any, sha256: str, where: str) -> None:
        self._session = session
        self.sha256 = sha256
        self.where = where
        self.inputs = tuple(_port(node, where) for node in session.get_inputs())
        self.outputs = tuple(_port(node, where) for node in session.get_outputs())

    @classmethod
    def open(cls, path: Path, *, sha256: str | None, runtime: Runtime, also: tuple[str, ...] = ()) -> Network:
        """Open an ONNX file; None as digest reads without that check (training, tests).

        Parameters
        ----------
        also : tuple of str
            Values inside the network that become outputs too, after its own: feature maps for evidence. The file, its
            digest and its own outputs stay as they are.

        Raises
        ------
        IntegrityError
            No such file, another digest, not a network that onnxruntime can run, or none of its values has a name
            in `also`.
        """
        data = read_weights(path, sha256=sha256)
        import onnxruntime  # noqa: PLC0415  (0.2 s: only when a network is opened)

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = runtime.threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave cores to others
        try:
            session = onnxruntime.InferenceSession(_showing(data, also), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a dozen classes of its own, all of which mean this
            raise IntegrityError(
                "not a network that onnxruntime can run" + (f", or one without {', '.join(also)}" if also else ""),
                where=str(path),
                way_out="Export or install it again.",
            ) from error
        return cls(session, hashlib.sha256(data).hexdigest(), str(path))

    def run(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Outputs by name for inputs by name.

        Raises
        ------
        UsageError
            Names, shapes or types are not those of `inputs`.
        ResourceError
            Memory ran out.
        """
        expected = {port.name: port for port in self.inputs}
        if set(arrays) != set(expected):
            raise UsageError(
                f"the network takes {', '.join(sorted(expected))}, got {', '.join(sorted(arrays)) or 'nothing'}",
                where=self.where,
            )
        for name, array in arrays.items():
            if not expected[name].fits(array):
                raise UsageError(
                    f"the network takes {expected[name]}, got {tuple(array.shape)} {array.dtype}", where=self.where
                )
        ready = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        try:
            answers = self._session.run(None, ready)
        except Exception as error:  # as above
            if "allocate" in str(error).lower():
                raise ResourceError(
                    "ran out of memory in a network", where=self.where, way_out="Use smaller tiles."
                ) from error
            raise UsageError(f"the network does not take this input ({error})", where=self.where) from error
        return {port.name: answer for port, answer in zip(self.outputs, answers, strict=True)}

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The one output for the one input, both (n, channel, ...) float32.

        Raises
        ------
        UsageError
            The network has several inputs or outputs: use `run`.
        """
        if len(self.inputs) != 1 or len(self.outputs) != 1:
            raise UsageError(
                f"the network has {len(self.inputs)} inputs and {len(self.outputs)} outputs, expected one of each",
                where=self.where,
                way_out="Use run, which takes them by name.",
            )
        answer: NDArray[np.float32] = self.run({self.inputs[0].name: images})[self.outputs[0].name]
        return answer


def _showing(data: bytes, names: tuple[str, ...]) -> bytes:
    """A model whose graph has some of its values as outputs too.

    Two serialised messages in a row are their merger (protobuf, "Encoding", last one wins and repeated fields append):
    what follows the model here is another that has nothing but ModelProto.graph (7) with GraphProto.output (12), each
    a ValueInfoProto with its name (1).
    """
    outputs = b"".join(_field(12, _field(1, name.encode())) for name in names)
    return data + _field(7, outputs) if names else data


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes in the encoding of protobuf: its key, its length as a varint, itself."""
    length, rest = bytearray(), len(content)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([number << 3 | 2, *length, rest]) + content


def _port(node: Any, where: str) -> Port:
    if node.type not in _TYPES:
        raise IntegrityError(
            f"{node.name} is {node.type}, expected {' or '.join(sorted(_TYPES))}",
            where=where,
            way_out="Export the network with float32 inputs and outputs.",
        )
    return Port(node.name, tuple(n if isinstance(n, int) else None for n in node.shape), _TYPES[node.type])
