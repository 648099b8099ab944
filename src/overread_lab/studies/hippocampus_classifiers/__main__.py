"""Command line of the study."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from overread_lab.studies.hippocampus_classifiers import __doc__ as about
from overread_lab.studies.hippocampus_classifiers import features, report
from overread_lab.studies.hippocampus_classifiers.run import Study, say

PRINTS = {"classifiers": report.classifiers, "labels": report.labels, "chain": report.chain}
PARTS = ("classifiers", "labels", "features", "chain")


def lines_of(study: Study, part: str, picture: Path | None = None) -> list[str]:
    """Run what is missing of a part, and print it."""
    # the chain is set beside what the same machines do on images as they are
    parts = ("classifiers", "chain") if part == "chain" else (part,)
    answers = [pair for fold in study.folds for pair in study.answers(fold, parts)]
    if part != "features":
        return PRINTS[part](report.gathered(answers))
    for fold, (_, task) in zip(study.folds, list(answers), strict=True):
        answers += features.answers(study, fold, task.spread)
    found = {fold: features.of_fold(study, fold) for fold in study.folds}
    if picture is not None:
        picture.write_text(features.drawing(found), encoding="utf-8")
    lines = features.importance_lines(found) + report.fewer(report.gathered(answers))
    return lines + features.seconds_lines(study, study.folds[-1])


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m overread_lab.studies.hippocampus_classifiers",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the set hippocampus_mr")
    parser.add_argument("--work", type=Path, required=True, help="where rows and answers are kept (about 1 GB)")
    parser.add_argument("--each", type=int, default=12, help="cases of each fold that are answered")
    parser.add_argument("--cases", type=int, default=20, help="training cases of each fold")
    parser.add_argument("--draw", type=int, default=0, help="another draw of training cases")
    parser.add_argument("--fold", type=int, action="append", help="only these folds")
    parser.add_argument("--part", choices=PARTS, action="append", help="only these parts")
    parser.add_argument("--kept", action="store_true", help="print what is kept, fit no machine that was not yet")
    parser.add_argument("--picture", type=Path, help="also draw the importance to this SVG")
    given = parser.parse_args(arguments)
    study = Study(
        data=given.data, work=given.work, each=given.each, cases=given.cases,
        folds=tuple(given.fold or range(5)), draw=given.draw, kept_only=given.kept,
    )  # fmt: skip
    for part in given.part or PARTS:
        say(part)
        sys.stdout.write("\n".join(lines_of(study, part, given.picture)) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
