"""Sets of labelled cases: read, split by patient, checked, made from public formats. Data are never in the package."""

from overread_lab.datasets.listing import ListedSet, list_sets
from overread_lab.datasets.manifest import Case, Manifest, fold_of, read_manifest, write_manifest
from overread_lab.datasets.sets import ManifestSet, Split, torn_groups

__all__ = [
    "Case",
    "ListedSet",
    "Manifest",
    "ManifestSet",
    "Split",
    "fold_of",
    "list_sets",
    "read_manifest",
    "torn_groups",
    "write_manifest",
]
