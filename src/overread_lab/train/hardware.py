"""The device and the process a training runs in: one CPU or GPU, or several under `torchrun`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist

from overread.errors import UsageError


@dataclass(frozen=True, slots=True)
class Place:
    """Which of how many processes this is, and on which device it computes."""

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def shares(self, batch: int) -> tuple[int, ...]:
        """The examples of a batch that this process draws: every `world`-th.

        Raises
        ------
        UsageError
            The batch cannot be shared equally, so that its mean would not be the mean of the processes.
        """
        if batch % self.world:
            raise UsageError(
                f"a batch of {batch} cannot be shared equally by {self.world} processes",
                way_out="Start as many processes as divide the batch.",
            )
        return tuple(range(self.rank, batch, self.world))


@contextmanager
def placed(*, threads: int, device: str | None = None) -> Iterator[Place]:
    """The place of this process; under `torchrun` the processes are joined inside and parted at the end.

    Parameters
    ----------
    threads : int
        Of the CPU. Sums are split by it, so the same weights come only with the same number.
    device : str, optional
        As torch names it; a GPU where there is one if left out.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    rank, local = int(os.environ.get("RANK", "0")), int(os.environ.get("LOCAL_RANK", "0"))
    name = device or (f"cuda:{local}" if torch.cuda.is_available() else "cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is repeatable only with a fixed workspace
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    if world > 1:
        dist.init_process_group("nccl" if name.startswith("cuda") else "gloo")
    try:
        yield Place(torch.device(name), rank, world)
    finally:
        if world > 1:
            dist.destroy_process_group()
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


def gains_by_bf16(device: torch.device) -> bool:
    """Whether the processor multiplies bfloat16 itself; elsewhere it would be slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and _cpu_multiplies_bf16()


def _cpu_multiplies_bf16() -> bool:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            flags = file.read()
    except OSError:  # not Linux: nothing tells, so the safe precision
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
