"""`overread validate`: exit codes, words and JSON; and the page that explains every remark."""

from __future__ import annotations

import ast
import json
import re
import shutil
from pathlib import Path

import pydicom
import pytest

import overread
from overread.cli.group import cli
from overread.cli.outcome import run
from overread.errors import ExitCode, InputError, NothingReadableError

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(true_results, tmp_path) -> Path:
    """ "source" and "out", to be changed."""
    shutil.copytree(true_results, tmp_path / "copy")
    return tmp_path / "copy"


def outcome(arguments, capsys) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    code = run(cli, ["validate", "-q", *(str(one) for one in arguments)])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


def test_a_folder_with_source_and_results(folder, capsys):
    code, out, _ = outcome([folder], capsys)
    assert code == ExitCode.DONE
    assert "2 objects: 0 errors, 0 warnings" in out
    assert "compared group 1 (1 nodule 1): Volume" in out


def test_the_source_may_lie_elsewhere(folder, capsys):
    code, out, _ = outcome([folder / "out", "--against", folder / "source", "--json"], capsys)
    document = json.loads(out)
    assert code == ExitCode.DONE
    assert (document["sound"], document["errors"], document["warnings"]) == (True, 0, 0)
    assert [one["kind"] for one in document["objects"]] == ["segmentation", "structured report"]


def test_errors_end_with_5_and_warnings_too_if_strict(folder, capsys):
    seg = pydicom.dcmread(folder / "out" / "seg.dcm")
    del seg.ContributingEquipmentSequence
    seg.save_as(folder / "out" / "seg.dcm")
    assert outcome([folder], capsys)[0] == ExitCode.DONE
    code, out, _ = outcome([folder, "--strict", "--no-outside"], capsys)
    assert code == ExitCode.INTEGRITY
    assert "WARNING no item of Contributing Equipment" in out
    seg.NumberOfFrames = 1
    seg.save_as(folder / "out" / "seg.dcm")
    code, out, _ = outcome([folder, "--no-outside"], capsys)
    assert code == ExitCode.INTEGRITY
    assert "[frames_differ]" in out


def test_nothing_to_check(folder, tmp_path, capsys):
    code, _, err = outcome([folder / "source"], capsys)
    assert code == ExitCode.INPUT
    assert "none of 9 files is a DICOM Segmentation or structured report" in err
    assert outcome([tmp_path / "nowhere"], capsys)[0] == ExitCode.INPUT


def test_a_wrong_place_of_the_source_is_an_error(folder, tmp_path):
    with pytest.raises(NothingReadableError):
        overread.validate(folder / "out", against=tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        overread.validate(folder / "out", against=tmp_path / "empty")


def codes_in_source() -> set[str]:
    """First arguments of error(), warning(), note() and level(), and the table of faults of frames."""
    found = set()
    for path in (REPOSITORY / "src" / "overread" / "evidence" / "check").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("error", "warning", "note", "level"):
                found |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_WORDS":
                found |= {key.value for key in node.value.keys}
    return found


def test_the_page_names_each_code_and_no_other():
    page = (REPOSITORY / "docs" / "reference" / "validate.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    on_page = {code for row in rows for code in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert on_page == codes_in_source()
