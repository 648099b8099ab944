"""Frames of a multi-frame object: where the bytes of each lie, native or in fragments. Nothing is decoded."""

from __future__ import annotations

from functools import lru_cache
from io import FileIO
from struct import Struct

from overread.errors import DamagedFileError

_ITEM, _END = 0xE000, 0xE0DD
_item = Struct("<HHI")
_END_OF_SEQUENCE = _item.pack(0xFFFE, _END, 0)
_TAIL = 256
"""Bytes in which the end of the pixels is looked for: trailing padding may stand behind it."""
_rle_header = Struct("<16I")
_HEAD = _rle_header.size
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")  # JPEG and JPEG-LS, JPEG 2000, JP2
Span = tuple[tuple[int, int], ...]


def are_whole(path: str, pixel_offset: int, file_size: int, frames: int) -> bool:
    """Whether encapsulated pixels end before the file does: by the delimiter at the tail, else by their fragments.

    A file without the delimiter whose fragments are all there is whole; some writers forget it.
    """
    with FileIO(path) as stream:
        stream.seek(max(pixel_offset, file_size - _TAIL))
        if _END_OF_SEQUENCE in stream.read(_TAIL):
            return True
    try:
        return len(_items(path, pixel_offset, file_size)) > frames
    except DamagedFileError:
        return False


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
    fragments = _items(path, pixel_offset, file_size)
    table_at = fragments.pop(0) if fragments else (pixel_offset, 0)
    if frames == 1 and fragments:
        return (tuple(fragments),)
    if len(fragments) == frames:
        return tuple((one,) for one in fragments)
    with open(path, "rb") as stream:  # noqa: PTH123

        def first(item: tuple[int, int], count: int) -> bytes:
            stream.seek(item[0])
            return stream.read(min(count, item[1]))

        table, firsts = first(table_at, 4 * frames), [first(fragment, _HEAD) for fragment in fragments]
    return _grouped(path, fragments, firsts, table if len(table) == table_at[1] else b"", frames)


def _items(path: str, pixel_offset: int, file_size: int) -> list[tuple[int, int]]:
    """(offset, length) of all items up to the delimiter or the end of the file: the offset table, then fragments."""
    items: list[tuple[int, int]] = []
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
            items.append((pos, length))
            pos += length
    return items


def _grouped(
    path: str, fragments: list[tuple[int, int]], firsts: list[bytes], table: bytes, frames: int
) -> tuple[Span, ...]:
    """By the offset table; without one, a frame begins where a fragment begins like a coded picture."""
    if len(table) == 4 * frames and fragments:
        base = fragments[0][0] - 8
        begins = {base + int.from_bytes(table[4 * n : 4 * n + 4], "little") + 8 for n in range(frames)}
        heads = [start in begins for start, _ in fragments]
    else:
        heads = [first.startswith(_STARTS) or _begins_rle(first) for first in firsts]
    if sum(heads) != frames or not heads[0]:
        raise _broken(path, f"are {len(fragments)} fragments, which do not tell {frames} frames apart")
    groups: list[list[tuple[int, int]]] = []
    for fragment, head in zip(fragments, heads, strict=True):
        if head:
            groups.append([])
        groups[-1].append(fragment)
    return tuple(tuple(group) for group in groups)


def _begins_rle(first: bytes) -> bool:
    """Whether a fragment begins with the header of an RLE frame: number of segments, then their offsets (PS3.5 G.5)."""
    if len(first) < _HEAD:
        return False
    count, *offsets = _rle_header.unpack(first)
    if not 1 <= count <= len(offsets):
        return False
    used = offsets[:count]
    return used[0] == _HEAD and used == sorted(set(used)) and not any(offsets[count:])


def _broken(path: str, what: str) -> DamagedFileError:
    return DamagedFileError(f"the compressed pixels {what}", where=path, way_out="Copy or send the file again.")
