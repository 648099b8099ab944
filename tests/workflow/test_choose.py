"""Which series and which task are read."""

from dataclasses import dataclass, field

import pytest

from overread.errors import GeometryError, ScopeError, UsageError
from overread.geometry import Fault, Severity, Verdict
from overread.image import Source
from overread.tasks import find_task
from overread.workflow.choose import choose


@dataclass(frozen=True)
class HeaderOnly:
    """As much of a series as `choose` looks at."""

    series_uid: str
    shape: tuple[int, int, int] = (120, 512, 512)
    spacing_mm: tuple[float, float, float] = (2.5, 0.7, 0.7)
    modality: str = "CT"
    is_localizer: bool = False
    n_files: int = 120
    verdict: Verdict = field(default_factory=Verdict)
    source: Source = field(default_factory=lambda: Source(kind="dicom", modality="CT"))

    @property
    def name(self):
        return self.series_uid


def mr(uid):
    return HeaderOnly(uid, modality="MR", source=Source(kind="dicom", modality="MR"))


def test_the_series_that_suits_is_read():
    task, chosen = choose((mr("1.2.1"), HeaderOnly("1.2.2")), None, None)
    assert (task.name, chosen.series_uid) == ("chest_ct_nodule", "1.2.2")


def test_of_several_the_one_with_most_slices_is_read():
    thick = HeaderOnly("1.2.3", shape=(60, 512, 512), spacing_mm=(5.0, 0.7, 0.7))
    assert choose((thick, HeaderOnly("1.2.4")), None, None)[1].series_uid == "1.2.4"


def test_what_is_wrong_with_the_files_is_said_before_what_they_are_not():
    fault = Fault("bad_spacing", Severity.FATAL, "the distance between pixels is zero", files=("007.dcm",))
    broken = HeaderOnly("1.2.11", spacing_mm=None, verdict=Verdict((fault,)))
    with pytest.raises(GeometryError, match=r"distance between pixels is zero \(007\.dcm\)"):
        choose((broken,), None, None)


def test_a_localizer_is_not_read_beside_a_volume():
    scout = HeaderOnly("1.2.9", shape=(200, 512, 512), is_localizer=True)
    assert choose((scout, HeaderOnly("1.2.10")), None, None)[1].series_uid == "1.2.10"


def test_a_mask_beside_the_series_does_not_compete_with_it():
    mask = HeaderOnly("", shape=(300, 512, 512), modality="", source=Source(kind="nifti"))
    assert choose((mask, HeaderOnly("1.2.11")), None, None)[1].series_uid == "1.2.11"
    assert choose((mask,), None, None)[1] is mask


def test_a_tie_must_be_named():
    pair = (HeaderOnly("1.2.5"), HeaderOnly("1.2.6"))
    with pytest.raises(ScopeError, match=r"2 series suit equally well.*--series"):
        choose(pair, None, None)
    assert choose(pair, None, "2.6")[1].series_uid == "1.2.6"


def test_a_series_that_is_not_there_is_a_usage_error():
    with pytest.raises(UsageError, match=r"0 series end in '9\.9'"):
        choose((HeaderOnly("1.2.7"),), None, "9.9")


def test_nothing_suits_without_a_task_but_a_named_task_may_refuse_in_writing():
    with pytest.raises(ScopeError, match="none of 1 series suits"):
        choose((mr("1.2.8"),), None, None)
    task = find_task("chest_ct_nodule")
    assert choose((mr("1.2.8"),), [task], None) == (task, choose((mr("1.2.8"),), [task], None)[1])
