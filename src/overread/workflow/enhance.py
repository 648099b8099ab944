"""Enhance: an image in, the same image with its texture differentiated out, in the form it came in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.findings import Provenance
from overread.findings.identity import digest_uid
from overread.geometry import Policy
from overread.image import Frames, Image, Intensity, Radiograph, Volume
from overread.io import Series, Study, open_study
from overread.ops.fractional import Despeckle, Diagonal, Domain, EnhancePlan, Mode
from overread.ops.fractional import enhance as enhance_array
from overread.runtime import Progress, Runtime, silent, within
from overread.workflow.analyze import as_policy, digests
from overread.workflow.compare import CompareRequest, Comparison
from overread.workflow.compare import compare as run_comparison

NAME, VERSION = "enhance", "0.1.0"
KEEPS_UNIT = (Mode.SIGNED, Mode.MEAN_PRESERVING)
"""Modes after which a mean is still a mean of the same quantity; after the others HU are no longer HU."""
_DESPECKLED = {
    Despeckle.LEE: "after Lee's filter of speckle in each slice (7 x 7, on the values themselves)",
    Despeckle.SRAD: "after speckle reducing anisotropic diffusion in each slice (60 steps, on the values themselves)",
}


@dataclass(frozen=True, slots=True, eq=False)
class Enhancement:
    """An enhanced image, ready to be saved.

    Parameters
    ----------
    image : Volume, Radiograph or Frames
        float32 values, not clipped. Their unit is that of the source where the mode keeps the mean, else arbitrary.
    before : Volume, Radiograph or Frames
        What was enhanced; colour was turned to grey.
    inputs, request : dict
        As of `Analysis`.
    comparison : Comparison, optional
        One slice of it beside the usual alternatives, where that was asked for.
    """

    image: Image
    before: Image
    plan: EnhancePlan
    inputs: dict[str, str] = field(default_factory=dict)
    request: dict[str, object] = field(default_factory=dict)
    comparison: Comparison | None = None

    @property
    def description(self) -> str:
        """What was done, in words for the objects that are written."""
        plan = self.plan
        order = "0.45 to 0.85 by fractal dimension" if plan.order is None else f"{plan.order:g}"
        words = [
            "Fractional differential enhancement",
            f"order {order}",
            f"mode {plan.mode.value}",
            "in 3-D along 26 rays weighed by their length in mm" if _by_length(plan) else "",
            "in 3-D along 26 rays" if plan.dimensions == 3 and not _by_length(plan) else "",
            "on logarithms" if plan.domain is Domain.LOG else "",
            "lowest order where there is only noise" if plan.noise_guard else "",
            _DESPECKLED.get(plan.despeckle, ""),
        ]
        return ", ".join(filter(None, words))

    def to_dict(self) -> dict[str, object]:
        """Plan and the change of the values, as plain values; what enhanced.json holds but for the files."""
        before, after = _grey(self.before), self.image.array
        compared = {} if self.comparison is None else {"comparison": self.comparison.to_dict()}
        return {
            "what": self.description,
            "caveat": "Research use only, not a diagnosis. Noise and texture are changed: do not measure on it.",
            "plan": self.plan.to_dict(),
            "unit": self.image.intensity.value,
            "was_colour": not isinstance(self.before, Volume) and self.before.is_colour,
            "values": {"before": _summary(before), "after": _summary(after)},
            **compared,
        }

    def save(
        self, out: str | Path, *, form: str | None = None, overwrite: bool = False, progress: Progress = silent
    ) -> tuple[Path, ...]:
        """Write the image, enhanced.json and manifest.json to a folder that appears whole or not at all.

        Parameters
        ----------
        form : str, optional
            "dicom" (derived series of single-frame CT or MR), "nifti" (any volume) or "picture" (PNG, TIFF); by
            default that of the source.

        Raises
        ------
        UsageError
            The folder exists and `overwrite` is False, or the form is unknown or does not suit the image.
        UnsupportedFormatError, GeometryError
            No DICOM series can follow the source; ask for "nifti".
        IntegrityError, ResourceError
            A read-back differs, or the disk is full; nothing is left behind.
        """
        from overread.evidence.derived_image import DerivedForm, DerivedImage, write_derived  # noqa: PLC0415

        try:
            wanted = DerivedForm.of(self.image) if form is None else DerivedForm(form)
        except ValueError:
            raise UsageError(f"unknown form {form!r}", way_out=f"Use one of {', '.join(DerivedForm)}.") from None
        progress("write", 0.8)
        derived = DerivedImage(
            self.image,
            _grey(self.before).dtype,
            _provenance(self.plan),
            self.description,
            self.to_dict(),
            {} if self.comparison is None else self.comparison.files(),
        )
        written = write_derived(
            derived,
            Path(out),
            form=wanted,
            overwrite=overwrite,
            inputs=self.inputs,
            request={**self.request, "form": wanted.value},
        )
        progress("write", 1.0)
        return written


def enhance(
    source: str | Path | Study | Series | Image,
    plan: EnhancePlan | None = None,
    *,
    compare: CompareRequest | None = None,
    series: str | None = None,
    policy: Policy | str = Policy.STRICT,
    intensity: Intensity | None = None,
    runtime: Runtime | None = None,
    progress: Progress = silent,
) -> Enhancement:
    """Enhance one image, slice by slice unless the plan says 3-D. Arrays go to `overread.ops.fractional.enhance`.

    Parameters
    ----------
    plan : EnhancePlan, optional
        Mode `signed`, order by fractal dimension.
    compare : CompareRequest, optional
        Also puts one slice beside the usual alternatives, with figures.
    series : str, optional
        Series UID, or its end, when a study holds several.

    Raises
    ------
    InputError, GeometryError
        The input cannot be read or placed.
    UsageError
        Several series fit and none was named, three dimensions of what is no volume, speckle of values below 0, an
        image too small for the template or the window, or what is to be compared is not in it.
    """
    plan, runtime, checked = plan or EnhancePlan(), runtime or Runtime(), as_policy(policy)
    before, opened, name = _load(source, series, checked, intensity, runtime, within(progress, 0.0, 0.3))
    progress("enhance", 0.3)
    spacing = _spacing(before, plan)
    values = enhance_array(_grey(before), plan, spacing_mm=spacing, runtime=runtime).astype(np.float32, copy=False)
    unit = before.intensity if plan.mode in KEEPS_UNIT else Intensity.ARBITRARY
    image: Image = replace(before, array=values, intensity=unit)
    request: dict[str, object] = {
        "input": opened,
        "series": name,
        "policy": checked.value,
        "intensity": "" if intensity is None else intensity.name,
        "plan": plan.to_dict(),
    }
    inputs = digests(before, runtime)
    if compare is None:
        return Enhancement(image, before, plan, inputs, request)
    progress("compare", 0.6)
    comparison = run_comparison(before, _grey(before), (image, _short(plan)), compare)
    request["compare"] = compare.to_dict()
    return Enhancement(image, before, plan, {**inputs, **comparison.inputs}, request, comparison)


def _load(
    source: str | Path | Study | Series | Image,
    wanted: str | None,
    *how: Any,
) -> tuple[Image, str, str]:
    """The image, the path that was opened, and the name of the series."""
    policy, intensity, runtime, progress = how
    if isinstance(source, (Volume, Radiograph, Frames)):
        return source, "", source.source.series_uid
    if isinstance(source, (str, Path)):
        source = open_study(source, progress=progress)
    opened = str(source.root if isinstance(source, Study) else source.source.root or "")
    one = source if isinstance(source, Series) else _named(source, wanted)
    return one.load(policy=policy, runtime=runtime, progress=progress, intensity=intensity), opened, one.name


def _named(study: Study, wanted: str | None) -> Series:
    if not wanted:
        return study.only()
    matching = [one for one in study.series if one.name.endswith(wanted)]
    if len(matching) != 1:
        raise UsageError(
            f"{len(matching)} series end in {wanted!r}", way_out="`overread inspect` lists the series of a folder."
        )
    return matching[0]


def _by_length(plan: EnhancePlan) -> bool:
    return plan.dimensions == 3 and plan.diagonal is Diagonal.METRIC


def _spacing(image: Image, plan: EnhancePlan) -> tuple[float, float, float] | None:
    if isinstance(image, Volume):
        return image.grid.spacing_mm
    if plan.dimensions == 3:
        raise UsageError(
            "a picture or a clip has no third dimension", way_out="Leave --dimensions out, or set dimensions=2."
        )
    return None


def _short(plan: EnhancePlan) -> str:
    order = "order by dimension" if plan.order is None else f"order {plan.order:g}"
    extra = {"3-D": plan.dimensions == 3, plan.despeckle.value: plan.despeckle is not Despeckle.NONE}
    return ", ".join([order, plan.mode.value, *(name for name, holds in extra.items() if holds)])


def _grey(image: Image) -> NDArray[Any]:
    return image.array if isinstance(image, Volume) else image.grey()


def _summary(values: NDArray[Any]) -> dict[str, float]:
    """Ends, mean and standard deviation, in the unit of the image."""
    return {
        "lowest": float(values.min()),
        "highest": float(values.max()),
        "mean": float(values.mean(dtype=np.float64)),
        "sd": float(values.std(dtype=np.float64)),
    }


def _provenance(plan: EnhancePlan) -> Provenance:
    return Provenance(
        task=NAME,
        task_version=VERSION,
        versions={name: version(name) for name in ("overread", "numpy", "numba")},
        plan=plan.to_dict(),
        device_uid=digest_uid("device", NAME, VERSION, repr(plan)),
    )
