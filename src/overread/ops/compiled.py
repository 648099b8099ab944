"""Kernels compiled by numba: one thread, without the interpreter's lock, cached where a cache can be written."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


class _Kernel(Generic[P, R]):
    """A function that compiles on its first call; a cache that cannot be written costs time, never the result."""

    def __init__(self, function: Callable[P, R]) -> None:
        self._function = function
        update_wrapper(self, function)
        try:
            self._compiled: Callable[P, R] = numba.njit(function, nogil=True, cache=True)
        except RuntimeError:  # numba found no folder that it may write to
            self._compiled = numba.njit(function, nogil=True)

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> R:
        try:
            return self._compiled(*arguments, **named)
        except OSError:  # the cache: full, read-only since, or removed; a kernel itself touches no file
            self._compiled = numba.njit(self._function, nogil=True)
            return self._compiled(*arguments, **named)


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: the same function, compiled for the types it is first called with.

    Kernels are single-threaded and released from the interpreter's lock, so that `Runtime.map` drives them over bands;
    the bands do not depend on the number of threads, so neither does the result. Write one output per inner loop over
    shifted slices, or the compiler stays scalar. A kernel may call another only through `inlined`.
    """
    return _Kernel(function)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: a small function that kernels call."""
    inner: Callable[P, R] = numba.njit(function, nogil=True, inline="never")
    return inner
