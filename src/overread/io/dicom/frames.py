"""Frames of a multi-frame object: where the bytes of each lie, native or in fragments. Nothing is decoded."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from overread.errors import DamagedFileError

_ITEM, _END = 0xE000, 0xE0DD
_item = Struct("<HHI")
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")  # JPEG and JPEG-LS, JPEG 2000, JP2
Span = tuple[tuple[int, int], ...]


def frame_bytes_at(path: str, pixel_offset: int, file_size: int, frames: int, index: int) -> bytes:
    """The coded bytes of frame `index` (from 0) of encapsulated pixels that begin at `pixel_offset` (PS3.5 A.4).

    Raises
    ------
    DamagedFileError
        Fragments are broken or cut short, or cannot be assigned to frames.
    """
    spans = _spans(path, pixel_offset, file_size, frames)
    with open(path, "rb") as stream:  # noqa: PTH123
        parts = []
        for start, length in spans[index]:
            stream.seek(start)
            parts.append(stream.read(length))
    return parts[0] if len(parts) == 1 else b"".join(parts)


@lru_cache(maxsize=4)
def _spans(path: str, pixel_offset: int, file_size: int, frames: int) -> tuple[Span, ...]:
    """(offset, length) of the fragments of each frame; the size is part of the key, so that a changed file is read."""
    fragments: list[tuple[int, int]] = []
    table, firsts = b"", []
    with open(path, "rb") as stream:  # noqa: PTH123
        pos = pixel_offset
        while pos + 8 <= file_size:
            stream.seek(pos)
            group, element, length = _item.unpack(stream.read(8))
            pos += 8
            if (group, element) == (0xFFFE, _END):
                break
            if (group, element) != (0xFFFE, _ITEM) or pos + length > file_size:
                raise _broken(path, "are cut short or their fragments are broken")
            if pos == pixel_offset + 8:
                table = stream.read(length)
            else:
                fragments.append((pos, length))
                firsts.append(stream.read(12))
            pos += length
    if frames == 1 and fragments:
        return (tuple(fragments),)
    if len(fragments) == frames:
        return tuple((one,) for one in fragments)
    return _grouped(path, fragments, firsts, table, frames)


def _grouped(
    path: str, fragments: list[tuple[int, int]], firsts: list[bytes], table: bytes, frames: int
) -> tuple[Span, ...]:
    """By the offset table; without one, a frame begins where a fragment begins like a coded picture."""
    if len(table) == 4 * frames and fragments:
        base = fragments[0][0] - 8
        begins = {base + int.from_bytes(table[4 * n : 4 * n + 4], "little") + 8 for n in range(frames)}
        heads = [start in begins for start, _ in fragments]
    else:
        heads = [first.startswith(_STARTS) for first in firsts]
    if sum(heads) != frames or not heads[0]:
        raise _broken(path, f"are {len(fragments)} fragments, which do not tell {frames} frames apart")
    groups: list[list[tuple[int, int]]] = []
    for fragment, head in zip(fragments, heads, strict=True):
        if head:
            groups.append([])
        groups[-1].append(fragment)
    return tuple(tuple(group) for group in groups)


def _broken(path: str, what: str) -> DamagedFileError:
    return DamagedFileError(f"the compressed pixels {what}", where=path, way_out="Copy or send the file again.")
