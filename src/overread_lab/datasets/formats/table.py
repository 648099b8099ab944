"""The formats known, as a table: what each must look like on disk, and who reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from overread.errors import UsageError
from overread.runtime import Progress
from overread_lab.datasets.formats.published.bcdr import read_bcdr
from overread_lab.datasets.formats.published.busi import read_busi
from overread_lab.datasets.formats.published.coco import read_coco
from overread_lab.datasets.formats.published.lidc import read_lidc
from overread_lab.datasets.formats.published.luna16 import read_luna16
from overread_lab.datasets.formats.published.msd import read_msd
from overread_lab.datasets.formats.published.rsna_hemorrhage import read_rsna_hemorrhage
from overread_lab.datasets.formats.published.spider import read_spider
from overread_lab.datasets.formats.writer import SetWriter


@dataclass(frozen=True, slots=True)
class Format:
    """A public format: `layout` is what the source folder holds, `masks` what masks mean, `group` what is a patient."""

    name: str
    title: str
    layout: str
    masks: str
    group: str
    read: Callable[[Path, SetWriter, Progress], None]


FORMATS: tuple[Format, ...] = (
    Format("bcdr", "BCDR mammograms", "bcdr_*_outlines.csv and the TIFF pictures it names", "lesion n", "patient_id",
           read_bcdr),
    Format("busi", "BUSI breast ultrasound", "folders benign, malignant, normal with NAME.png and NAME_mask.png",
           "lesion n", "not given: the picture", read_busi),
    Format("coco", "COCO JSON, also of DENTEX", "JSON with images and annotations, and the pictures", "annotation n",
           "not given: the picture", read_coco),
    Format("lidc", "LIDC-IDRI chest CT", "DICOM series and LidcReadMessage XML, anywhere below", "readers who agree",
           "Patient ID", read_lidc),
    Format("luna16", "LUNA16 chest CT", "annotations.csv and subset*/UID.mhd with .raw", "nodule n, as a ball",
           "not given: the series", read_luna16),
    Format("msd", "Medical Segmentation Decathlon, nnU-Net v2", "dataset.json with imagesTr and labelsTr",
           "as dataset.json names them", "not given: the case", read_msd),
    Format("rsna-hemorrhage", "RSNA 2019 haemorrhage", "stage_2_train.csv and ID_*.dcm", "none", "Patient ID",
           read_rsna_hemorrhage),
    Format("spider", "SPIDER lumbar spine MR", "images/N_t2.mha and masks/N_t2.mha", "vertebrae, canal, discs",
           "the number N", read_spider),
)  # fmt: skip


def format_named(name: str) -> Format:
    """The format of that name; raises `UsageError` where there is none."""
    found = next((one for one in FORMATS if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in FORMATS)
        raise UsageError(f"there is no format {name!r}", way_out=f"Formats are {known}.")
    return found
