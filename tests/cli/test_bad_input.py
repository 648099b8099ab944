"""Bad input: each a clear message with the way out, the exit code of the contract, and nothing left behind."""

import pytest

from overread.cli.group import cli
from overread.cli.outcome import run
from overread.errors import ExitCode


@pytest.fixture
def empty(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def outcome(arguments, capsys):
    code = run(cli, [str(argument) for argument in arguments])
    message = capsys.readouterr().err
    assert "Traceback" not in message
    assert "bug in overread" not in message
    return code, message


def test_path_that_is_not_there(tmp_path, capsys):
    code, message = outcome(["analyze", tmp_path / "nowhere", "-q"], capsys)
    assert code == ExitCode.INPUT
    assert "nowhere" in message


def test_empty_folder(empty, capsys):
    code, message = outcome(["analyze", empty, "-q"], capsys)
    assert code == ExitCode.INPUT
    assert str(empty) in message


def test_folder_of_text(empty, capsys):
    (empty / "letter.txt").write_text("not an image")
    code, message = outcome(["analyze", empty, "-q"], capsys)
    assert code == ExitCode.INPUT
    assert "letter.txt" in message


def test_output_folder_exists(empty, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    code, message = outcome(["analyze", empty, "-o", tmp_path / "out"], capsys)
    assert code == ExitCode.USAGE
    assert "--overwrite" in message


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze"],
        ["analyse", "x"],
        ["analyze", "x", "--threads", "0"],
        ["analyze", "x", "--max-memory", "much"],
        ["analyze", "x", "--policy", "lenient"],
        ["tasks", "no_such_task"],
        ["simulate", "no_such_task", "-o", "x"],
    ],
)
def test_wrong_use(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, message = outcome(arguments, capsys)
    assert code == ExitCode.USAGE
    assert message
    assert not list(tmp_path.iterdir())


def test_unknown_task_lists_those_there_are(empty, capsys):
    code, message = outcome(["analyze", empty, "--task", "chest_ct_nodul", "-q"], capsys)
    assert code == ExitCode.USAGE
    assert "chest_ct_nodule" in message


def test_verify_of_a_folder_without_manifest(empty, capsys):
    code, message = outcome(["verify", empty], capsys)
    assert code == ExitCode.INTEGRITY
    assert "manifest" in message
