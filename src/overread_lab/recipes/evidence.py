"""What a recipe leaves behind: weights, figures, hashed patients; and how a card takes them.

A recipe writes them into its folder. `python -m overread_lab.recipes.evidence TASK FOLDER` puts them into the task: the
weights beside its code, their digests, the figures and the patients into card.toml, and the page docs/tasks/TASK.md.
What people wrote on the card stays.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from overread.cards import Figure, TrainingGroups, read_card
from overread.cards.page import card_page
from overread.errors import InputError, UsageError
from overread.tasks import find_task, task_names
from overread_lab.metrics.bootstrap import Bootstrap

EVIDENCE = "evidence.toml"
PAGES = Path("docs/tasks")


def measured(name: str, set_name: str, found: Bootstrap | float, n: int, note: str = "") -> Figure:
    """A figure of `n` items to three digits, its interval where there is one; `leave` says which command printed it."""
    value = found.value if isinstance(found, Bootstrap) else found
    limits = None
    if isinstance(found, Bootstrap):
        set_name = f"{set_name}, {found.groups} patients"
        if found.interval is not None:
            limits = round(found.interval.low, 3), round(found.interval.high, 3)
    return Figure(
        name=name,
        set_name=set_name,
        value=round(float(value), 3),
        unit="1",
        n=n,
        command="",
        interval=limits,
        note=note,
    )


def say(figure: Figure) -> str:
    """One line: name, set, value, interval, size, note."""
    limits = "" if figure.interval is None else f" [{figure.interval[0]:.3f}, {figure.interval[1]:.3f}]"
    note = f" ({figure.note})" if figure.note else ""
    return f"{figure.name}; {figure.set_name}; n {figure.n}: {figure.value:.3f}{limits}{note}"


def leave(
    folder: Path, figures: Iterable[Figure], *, command: str, weights: Sequence[str] = (), groups: Iterable[str] = ()
) -> None:
    """Write evidence.toml: figures printed by `command`, digests of the files `weights` there, and patients hashed.

    A study leaves figures alone. Without `groups` the patients that the card names stay as they are.
    """
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in weights}
    text = _weights(digests) + "".join(_figure(one, command) for one in figures)
    patients = sorted(set(groups))
    if patients:
        salt = hashlib.sha256(command.encode()).hexdigest()[:16]
        hashed = TrainingGroups.of(patients, salt=salt)
        text += f"\n[training]\nsalt = {_text(salt)}\n" + _groups(sorted(hashed.groups_sha256))
    (folder / EVIDENCE).write_text(text, encoding="utf-8")


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # a basic string of TOML


def _weights(digests: dict[str, str]) -> str:
    return "[weights]\n" + "".join(f"{_text(name)} = {_text(digest)}\n" for name, digest in digests.items())


def _groups(digests: Sequence[str]) -> str:
    return "groups_sha256 = [\n" + "".join(f"  {_text(one)},\n" for one in digests) + "]\n"


def _figure(figure: Figure, command: str) -> str:
    rows = {**asdict(figure), "command": figure.command or command}
    lines = []
    for key, value in rows.items():
        if value is None or value == "":
            continue
        plain = f"[{value[0]}, {value[1]}]" if isinstance(value, tuple) else value
        lines.append(f"{key} = {_text(plain) if isinstance(value, str) else plain}\n")
    return "\n[[figures]]\n" + "".join(lines)


def renewed(card: str, evidence: str) -> str:
    """The text of card.toml with weights, figures and patients of `evidence`; all other lines as they were.

    Figures of other commands than those in the evidence stay.
    """
    new = tomllib.loads(evidence)
    commands = {row["command"] for row in new["figures"]}
    old = tomllib.loads(card)
    fresh = [Figure(**_tuples(row)) for row in new["figures"]]
    before, after = _around(old.get("figures", []), commands)
    digests = {**old.get("weights", {}), **new["weights"]}
    head, *sections = _split(card)
    parts = [head.rstrip() + "\n\n" + _weights(digests)]
    parts.append("".join(_figure(one, one.command) for one in (*before, *fresh, *after)))
    replaced = {"weights", "figures", *(("training",) if "training" in new else ())}
    parts += ["\n" + text.strip() + "\n" for name, text in sections if name not in replaced]
    if "training" in new:
        training = old["training"] if isinstance(old["training"], dict) else {"text": old["training"]}
        parts.append(f"\n[training]\ntext = {_text(training['text'])}\nsalt = {_text(new['training']['salt'])}\n")
        parts.append(_groups(new["training"]["groups_sha256"]))
    return "".join(parts)


def _around(rows: Sequence[dict[str, Any]], commands: set[str]) -> tuple[list[Figure], list[Figure]]:
    """Figures of other commands, before and after the place of those that `commands` printed; new ones come last."""
    mine = [row["command"] in commands for row in rows]
    first = mine.index(True) if True in mine else len(rows)
    kept = [(n < first, Figure(**_tuples(row))) for n, row in enumerate(rows) if not mine[n]]
    return [one for early, one in kept if early], [one for early, one in kept if not early]


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def _split(card: str) -> tuple[str, *tuple[tuple[str, str], ...]]:
    """What stands before the first table, then (name, text) of each table."""
    head: list[str] = []
    sections: list[tuple[str, list[str]]] = []
    for line in card.splitlines(keepends=True):
        if line.startswith("["):
            sections.append((line.strip().strip("[]"), []))
        (sections[-1][1] if sections else head).append(line)
    return ("".join(head), *((name, "".join(lines)) for name, lines in sections))


def install(task: str, folder: Path, package: Path, pages: Path | None) -> list[Path]:
    """Put the evidence of `folder` into the task whose code lies in `package`; returns what was written."""
    try:
        evidence = (folder / EVIDENCE).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"no {EVIDENCE} of a recipe ({error.strerror})", where=str(folder), way_out="Name the recipe's folder."
        ) from None
    card = package / "card.toml"
    text = renewed(card.read_text(encoding="utf-8"), evidence)
    written = []
    for name, digest in tomllib.loads(evidence)["weights"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            raise UsageError(f"{name} is not the file that the figures are of", where=str(folder))
        shutil.copyfile(folder / name, package / name)
        written.append(package / name)
    card.write_text(text, encoding="utf-8")
    written.append(card)
    if pages is not None:
        page = pages / f"{task}.md"
        page.write_text(card_page(read_card(card)), encoding="utf-8")
        written.append(page)
    return written


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m overread_lab.recipes.evidence", description=__doc__)
    parser.add_argument("task", nargs="?", help="name of an installed task")
    parser.add_argument("folder", nargs="?", type=Path, help="that its recipe wrote")
    parser.add_argument("--pages", type=Path, metavar="DIR", help="only write the pages of all installed tasks there")
    given = parser.parse_args(arguments)
    if given.pages is not None:
        for name in task_names():
            (given.pages / f"{name}.md").write_text(card_page(find_task(name).card()), encoding="utf-8")
        return 0
    if given.task is None or given.folder is None:
        parser.error("TASK and FOLDER are needed")
    package = Path(str(files(f"overread.tasks.{given.task}")))
    for path in install(given.task, given.folder, package, PAGES if PAGES.is_dir() else None):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
