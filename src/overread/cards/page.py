"""A card as a page of the documentation, in Markdown. The card decides what is said; nothing is added."""

from __future__ import annotations

from collections.abc import Sequence

from overread.cards.card import Figure, TaskCard


def card_page(card: TaskCard) -> str:
    """The page; the same card gives the same text."""
    lines = [f"# {card.name}: {card.title}", "", card.question, ""]
    lines += [
        f"Version {card.version}. Research use only, not a diagnosis. Printed by `overread tasks {card.name}` too.",
        "",
    ]
    if card.requires:
        lines += [f"It holds the answers of {', '.join(f'[{name}]({name}.md)' for name in card.requires)}.", ""]
    lines += ["## For whom", "", card.intended_use, "", "Not for:", "", *_list(card.not_for)]
    lines += ["## Input", "", *_list(card.inputs), "Refused:", "", *_list(card.refuses)]
    lines += ["## How", "", card.method, "", f"Training: {card.training}", ""]
    if card.training_groups is not None:
        lines += [f"The card names {len(card.training_groups.groups_sha256)} patients of the training by digest.", ""]
    lines += [f"Licence of the weights: {card.weights_licence}", "", "## Known limits", "", *_list(card.limits)]
    if card.operating_points:
        lines += ["## Operating points", "", *_points(card)]
    if card.figures:
        lines += ["## Figures", "", *_figures(card.figures)]
    return "\n".join(lines).rstrip() + "\n"


def _list(items: Sequence[str]) -> list[str]:
    return [*(f"- {item}" for item in items), ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _points(card: TaskCard) -> list[str]:
    rows = [
        f"| {_cell(p.name)} | {_cell(p.set_name)} | {p.n} | {p.threshold:.3g} | {p.sensitivity:.3g} "
        f"[{p.sensitivity_interval[0]:.3g}, {p.sensitivity_interval[1]:.3g}] | {p.false_positives_per_scan:.3g} |"
        for p in card.operating_points
    ]
    head = "| name | set | n | threshold | sensitivity, 95 % | false positives a scan |"
    return [head, "|---|---|---|---|---|---|", *rows, ""]


def _figures(figures: Sequence[Figure]) -> list[str]:
    """A table for each command."""
    lines = []
    for command in dict.fromkeys(figure.command for figure in figures):
        lines += [f"`{command}`", "", "| figure | set | n | value, 95 % | note |", "|---|---|---|---|---|"]
        for f in figures:
            if f.command == command:
                unit = "" if f.unit == "1" else f" {f.unit}"
                limits = "" if f.interval is None else f" [{f.interval[0]:.4g}, {f.interval[1]:.4g}]"
                lines.append(
                    f"| {_cell(f.name)} | {_cell(f.set_name)} | {f.n} | {f.value:.4g}{unit}{limits} | {_cell(f.note)} |"
                )
        lines.append("")
    return lines
