"""The smallest type that holds values exactly: int16 or float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_INT16 = np.iinfo(np.int16)
_UINT16 = np.iinfo(np.uint16)


def narrow(values: NDArray[Any]) -> NDArray[np.int16] | NDArray[np.float32]:
    """(slice, row, column) values of any real type as int16 if all are whole and fit, else as float32.

    Slice by slice, so that no second array of the wide type is made.
    """
    if values.dtype == np.int16:
        return np.ascontiguousarray(values, dtype=np.int16)
    if all(_fits(plane) for plane in values):
        return values.astype(np.int16)
    return values.astype(np.float32)


def narrow_picture(values: NDArray[Any]) -> NDArray[Any]:
    """(row, column) values of any real type: uint8 and uint16 stay what they are, others as `narrow`.

    Wider integers become uint16 where they fit that, and int16 does not hold them.
    """
    if values.dtype in (np.uint8, np.uint16):
        native: NDArray[Any] = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
        return native
    narrowed: NDArray[Any] = narrow(values[None])[0]
    if narrowed.dtype == np.float32 and values.dtype.kind in "iu" and values.min() >= 0 and values.max() <= _UINT16.max:
        return values.astype(np.uint16)
    return narrowed


def _fits(plane: NDArray[Any]) -> bool:
    low, high = plane.min(), plane.max()
    if not (low >= _INT16.min and high <= _INT16.max):  # also False where one is NaN
        return False
    return plane.dtype.kind in "iub" or bool((plane == np.rint(plane)).all())
