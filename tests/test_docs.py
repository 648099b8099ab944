"""The documents keep their promises: links lead somewhere, commands and codes are those of the program."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

import overread
from overread.cards.page import card_page
from overread.cli.group import COMMANDS, cli
from overread.errors import ExitCode
from overread.tasks import find_task, task_names

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CLI = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    targets = [t.partition("#")[0] for t in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", t)]
    missing = [target for target in targets if target and not (path.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize(
    "command", ["pip install . && overread demo", 'pip install -c constraints.txt -e ".[dev]" && pytest']
)
def test_readme_has_the_two_commands_as_lines_of_their_own(command):
    assert command in README.splitlines()


def test_readme_shows_a_picture_and_code_by_line_20():
    head = "\n".join(README.splitlines()[:20])
    assert re.search(r"!\[[^\]]+\]\(docs/images/[^)]+\.png\)", head)
    assert "import overread" in head


def test_every_exit_code_is_documented():
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", CLI, re.MULTILINE)}
    assert documented == {int(code) for code in ExitCode}


def test_every_command_is_documented_and_has_a_twin():
    documented = set(re.findall(r"^\| `overread (\w+)", CLI, re.MULTILINE))
    assert documented == set(COMMANDS)
    for name in COMMANDS:
        twin = {"tasks": "list_tasks"}.get(name, name)  # `overread.tasks` is the package of tasks
        assert callable(getattr(overread, twin))
        assert f"overread.{twin}(" in CLI


def test_every_command_has_json_and_an_example():
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert any("--json" in option.opts for option in command.params), name
        assert f"overread {name}" in (command.epilog or ""), name


def test_every_option_is_documented_and_none_else():
    used = {
        option
        for name in COMMANDS
        for parameter in cli.get_command(click.Context(cli), name).params
        for option in parameter.opts
        if option.startswith("-")
    }
    options = CLI.partition("## Options")[2].partition("\n## ")[0]
    named = {
        option
        for cell in re.findall(r"^\| ([^|]*) \|", options, re.MULTILINE)
        for option in re.findall(r"--?\w[\w-]*", cell)
    }
    assert named == used


def test_decisions_are_listed():
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md")}
    assert pages == set(re.findall(r"\((\d{4}-[^)]+\.md)\)", index))


def test_fragments_make_a_change_log():
    kinds = {
        kind["directory"] for kind in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]["type"]
    }
    assert kinds == {"feature", "fix", "result", "performance", "doc"}
    fragments = [path for path in (ROOT / "changes").iterdir() if path.name != "README.md"]
    done = subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "0", "--dir", str(ROOT)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for path in fragments:
        assert path.suffixes[-2][1:] in kinds, path.name
        assert path.read_text(encoding="utf-8").strip().split("\n")[0] in done.stdout, path.name


def test_no_document_names_a_place_on_our_machines():
    for path in [*DOCUMENTS, *(ROOT / "src").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]:
        assert not re.search(r"(?<![\w.])/(work|home|root|Users)/", path.read_text(encoding="utf-8")), path


def test_version_and_citation_agree():
    assert f"version: {overread.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_each_dependency_is_pinned_and_noticed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower()
    notices = (ROOT / "docs/third-party.md").read_text(encoding="utf-8").lower()
    extras = project["optional-dependencies"]
    for requirement in [*project["dependencies"], *extras["dev"], *extras["train"]]:
        name = re.split(r"[<>=~! ]", requirement)[0].lower()
        assert re.search(rf"^{re.escape(name)}==", pins, re.MULTILINE), name
    for requirement in project["dependencies"]:
        name = re.split(r"[<>=~! ]", requirement)[0].lower()
        assert name in notices, name


@pytest.mark.parametrize("name", task_names())
def test_each_task_has_the_page_of_its_card(name):
    page = ROOT / "docs" / "tasks" / f"{name}.md"
    made = "python -m overread_lab.recipes.evidence --pages docs/tasks"
    assert page.read_text(encoding="utf-8") == card_page(find_task(name).card()), f"made anew by {made}"
