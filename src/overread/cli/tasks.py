"""`overread tasks`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from overread.cards import TaskCard
from overread.cli import show
from overread.cli.options import json_option


@click.command(epilog="Example: overread tasks chest_ct_nodule")
@click.argument("name", required=False)
@json_option
def tasks(name: str | None, as_json: bool) -> None:
    """List the installed tasks, or show the card of the task NAME: for whom, on what, how well."""
    from overread.tasks import find_task  # noqa: PLC0415
    from overread.workflow.tasks import list_tasks  # noqa: PLC0415

    cards = list_tasks() if name is None else (find_task(name).card(),)
    if as_json:
        click.echo(json.dumps([asdict(card) for card in cards], indent=1, default=sorted))
    elif name is None:
        show.table(["task", "version", "question"], [[card.name, card.version, card.question] for card in cards])
    else:
        _card(cards[0])


def _card(card: TaskCard) -> None:
    click.echo(f"{card.name} {card.version}: {card.title}\n")
    for head, lines in (
        ("Question", [card.question]),
        ("Intended use", [card.intended_use]),
        ("Not for", card.not_for),
        ("Input", card.inputs),
        ("Refuses", card.refuses),
        ("Method", [card.method]),
        ("Training", [card.training]),
        ("Licence of the weights", [card.weights_licence]),
        ("Known limits", card.limits),
    ):
        click.echo(click.style(head, bold=True))
        for line in lines:
            click.echo(click.wrap_text(line, 100, "  ", "  "))
    if card.questions:
        click.echo(click.style("Questions that evaluate can score", bold=True))
        show.table(
            ["name", "kind", "truth in column", "classes"],
            [[q.name, q.kind.value, q.column or "mask", ", ".join(q.classes)] for q in card.questions],
        )
    click.echo(click.style("Operating points", bold=True))
    show.table(
        ["name", "set", "n", "threshold", "sensitivity", "95 %", "false positives a scan"],
        [
            [
                point.name,
                point.set_name,
                str(point.n),
                show.number(point.threshold),
                show.number(point.sensitivity),
                _limits(point.sensitivity_interval),
                show.number(point.false_positives_per_scan),
            ]
            for point in card.operating_points
        ],
    )
    click.echo(click.style("Figures", bold=True))
    for command in dict.fromkeys(figure.command for figure in card.figures):
        click.echo(f"  {command}")
        show.table(
            ["figure", "set", "n", "value", "95 %", "note"],
            [
                [
                    f.name,
                    f.set_name,
                    str(f.n),
                    f"{show.number(f.value)} {f.unit if f.unit != '1' else ''}".rstrip(),
                    "" if f.interval is None else _limits(f.interval),
                    f.note,
                ]
                for f in card.figures
                if f.command == command
            ],
        )


def _limits(interval: tuple[float, float]) -> str:
    return f"{show.number(interval[0])} to {show.number(interval[1])}"
