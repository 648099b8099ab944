"""dataset.json of the Medical Segmentation Decathlon (Antonelli et al., Nat Commun 13:4128, 2022) and of nnU-Net v2.

The first lists its pairs, labels as {"1": "liver"}, channels as "modality" and along a fourth axis. The second
(github.com/MIC-DKFZ/nnUNet, documentation/dataset_format.md) lists none: CASE_0000 is channel 0 of CASE, labels are
{"liver": 1} and channels "channel_names".
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError

from overread.errors import InputError
from overread.runtime import Progress
from overread_lab.datasets.fit import labels_on, load
from overread_lab.datasets.formats.writer import Known, SetWriter, find_one

_CHANNEL = re.compile(r"(.+)_(\d{4})")


@dataclass(frozen=True, slots=True)
class _Pair:
    case: str
    channel: str
    image: Path
    mask: Path


def read_msd(root: Path, writer: SetWriter, progress: Progress) -> None:
    """One case a channel; all channels of a case share group and mask. The label lists the names found in the mask."""
    description = find_one(root, "dataset.json", "description of a set")
    home = description.parent
    told = read_json(description)
    names, channels = _names(told, description), _channels(told, description)
    writer.names, writer.source = dict(names), str(told.get("name") or home.name)
    pairs = list(_listed(told, home, writer) if told.get("training") else _found(told, home, writer))
    writer.notes.append("the set does not name patients: each case is its own group")
    with TemporaryDirectory() as scratch:
        for number, pair in enumerate(pairs):
            progress("import", number / len(pairs))
            with writer.or_left_out(pair.image):
                if not pair.image.is_file() or not pair.mask.is_file():
                    raise InputError("its image or its mask is not there")
                for one in _by_channel(pair, Path(scratch)):
                    _one(one, names, channels, writer)


def _one(pair: _Pair, names: dict[int, str], channels: dict[str, str], writer: SetWriter) -> None:
    mask = labels_on(load(pair.image), load(pair.mask))
    present = [int(label) for label in np.unique(mask.array) if label]
    unknown = [label for label in present if label not in names]
    if unknown:
        raise InputError(f"its mask holds labels that dataset.json does not name: {unknown[:5]}")
    channel = channels.get(str(int(pair.channel)), pair.channel) if pair.channel else ""
    label = " ".join(re.sub(r"\s+", "_", names[one]) for one in present) or "none"
    known = Known(label, pair.case, "the patient is not given", {"channel": channel})
    writer.add(f"{pair.case}_{pair.channel}" if pair.channel else pair.case, pair.image, known, mask)


def _by_channel(pair: _Pair, scratch: Path) -> Iterator[_Pair]:
    """The pair itself, or one for each channel along the fourth axis of its image."""
    if not pair.image.name.endswith((".nii", ".nii.gz")):
        yield pair
        return
    try:
        image: Any = nibabel.load(pair.image)
        if image.ndim != 4:
            yield pair
            return
        for channel in range(image.shape[3]):
            path = scratch / f"channel_{channel:04d}.nii.gz"
            path.write_bytes(gzip.compress(image.slicer[..., channel].to_bytes(), compresslevel=1, mtime=0))
            yield _Pair(pair.case, f"{channel:04d}", path, pair.mask)
    except (ImageFileError, OSError, EOFError, ValueError, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the image cannot be read ({type(error).__name__})", where=pair.image.name) from None


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; raises `InputError` where there is none."""
    try:
        told = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"no JSON ({type(error).__name__})", where=str(path)) from None
    if not isinstance(told, dict):
        raise InputError(f"it holds a {type(told).__name__}, expected an object", where=str(path))
    return told


def _names(told: dict[str, Any], path: Path) -> dict[int, str]:
    """Label to name, from either generation. Regions (lists of labels) name no single label."""
    labels = told.get("labels")
    if not isinstance(labels, dict):
        raise InputError('it has no "labels"', where=str(path), way_out="Give the dataset.json as it was published.")
    names: dict[int, str] = {}
    for key, value in labels.items():
        if key.isdigit():
            names[int(key)] = str(value)
        elif isinstance(value, int):
            names[value] = key
        elif isinstance(value, list) and all(isinstance(one, int) for one in value):
            for one in value:
                names[one] = f"{names[one]}+{key}" if one in names else key
        else:
            raise InputError(f"label {key!r} has the value {value!r:.40}, expected a number", where=str(path))
    names.pop(0, None)
    return names


def _channels(told: dict[str, Any], path: Path) -> dict[str, str]:
    channels = told.get("channel_names") or told.get("modality") or {}
    if not isinstance(channels, dict) or not isinstance(told.get("training") or [], list):
        raise InputError("its channels are no object, or its training is no list", where=str(path))
    return {str(key): str(value) for key, value in channels.items()}


def _listed(told: dict[str, Any], home: Path, writer: SetWriter) -> Iterator[_Pair]:
    """Pairs of the first generation."""
    for entry in told["training"]:
        try:
            image, mask = (_inside(home, str(entry[name])) for name in ("image", "label"))
        except (TypeError, KeyError):
            writer.leave_out(f"an entry of training in dataset.json: {str(entry)[:60]}", "it names no image and label")
            continue
        yield _Pair(_stem(image), "", image, mask)
    listed = {Path(str(entry.get("image"))).name for entry in told["training"] if isinstance(entry, dict)}
    for image in sorted((home / "imagesTr").glob("*")):
        if image.name not in listed:
            writer.leave_out(image, "dataset.json does not list it")
    test = told.get("test")
    for entry in test if isinstance(test, list) else []:
        writer.leave_out(str(entry)[:200], "it has no label (test part)")


def _found(told: dict[str, Any], home: Path, writer: SetWriter) -> Iterator[_Pair]:
    """Pairs of the second generation, by the names of files."""
    ending = str(told.get("file_ending") or "")
    if not ending or "/" in ending:
        raise InputError(
            'it neither lists "training" nor says a "file_ending"', where=str(home / "dataset.json"),
            way_out="Give the dataset.json of the decathlon or of nnU-Net v2.",
        )  # fmt: skip
    for image in sorted((home / "imagesTr").glob("*")):
        found = _CHANNEL.fullmatch(image.name.removesuffix(ending))
        if not image.name.endswith(ending) or found is None:
            writer.leave_out(image, f"its name is not CASE_0000{ending}")
            continue
        yield _Pair(found[1], found[2], image, home / "labelsTr" / f"{found[1]}{ending}")
    for image in sorted((home / "imagesTs").glob("*")):
        writer.leave_out(image, "it has no label (test part)")


def _inside(home: Path, name: str) -> Path:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise InputError(f"it names a file outside its folder: {name!r}", where=str(home / "dataset.json"))
    return home / name


def _stem(image: Path) -> str:
    return image.name.removesuffix(".gz").removesuffix(".nii")
