"""RSNA 2019 intracranial haemorrhage: single DICOM slices, and six rows a slice in stage_2_train.csv.

Published with Flanders et al., Radiology: Artificial Intelligence 2:e190211, 2020. An ID is "ID_" + slice + "_" + kind.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from overread.errors import DamagedFileError
from overread.io.files.table import read_table
from overread.runtime import Progress
from overread_lab.datasets.fit import load
from overread_lab.datasets.formats.patient import published_patient
from overread_lab.datasets.formats.writer import Known, SetWriter, find_one

KINDS = {
    "epidural": "EDH", "intraparenchymal": "IPH", "intraventricular": "IVH", "subarachnoid": "SAH", "subdural": "SDH",
}  # fmt: skip


def read_rsna_hemorrhage(root: Path, writer: SetWriter, progress: Progress) -> None:
    """One case a slice; the label lists the kinds of bleed, or "none". There are no masks."""
    found = _labels(find_one(root, "stage_2_train.csv", "labels of RSNA 2019"), writer)
    files = sorted(root.rglob("*.dcm"))
    for number, file in enumerate(files):
        progress("import", number / len(files))
        answers = found.pop(file.stem, None)
        if answers is None:
            writer.leave_out(file, "stage_2_train.csv has no label for it, or contradicts itself")
            continue
        with writer.or_left_out(file):
            label = _words(answers)
            load(file)
            note = "RSNA 2019; one slice; patients by the Patient ID of the file"
            writer.add(file.stem, file, Known(label, published_patient(file), note))
    if found:
        writer.leave_out(f"{len(found)} labelled slices, such as {min(found)}", "their DICOM files are not there")


def _labels(table: Path, writer: SetWriter) -> dict[str, dict[str, int]]:
    """Slice to answers by kind. Rows that stand twice are one; slices whose rows contradict each other are dropped."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    odd: set[str] = set()
    twice = 0
    for number, row in enumerate(read_table(table, ("ID", "Label")), start=2):
        name, _, kind = row["ID"].rpartition("_")
        if kind not in (*KINDS, "any") or row["Label"] not in ("0", "1"):
            writer.leave_out(f"stage_2_train.csv, line {number}", f"{row['ID']!r}, {row['Label']!r} is no label")
            continue
        answer = int(row["Label"])
        if kind in found[name]:
            twice += 1
            odd |= {name} if found[name][kind] != answer else set()
        found[name][kind] = answer
    if twice:
        writer.leave_out(f"{twice} rows of stage_2_train.csv", "they stand twice")
    for name in odd:
        del found[name]
    return dict(found)


def _words(answers: dict[str, int]) -> str:
    missing = [kind for kind in (*KINDS, "any") if kind not in answers]
    if missing:
        raise DamagedFileError(f"stage_2_train.csv has no row for {', '.join(missing)}")
    words = " ".join(short for kind, short in KINDS.items() if answers[kind])
    if bool(words) != bool(answers["any"]):
        raise DamagedFileError(f"stage_2_train.csv says any={answers['any']}, but {words or 'no kind'}")
    return words or "none"
