"""`--json`: one object on stdout, whatever happens, and words on stderr only."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kohya_wrap.cli.console import Console
from tests.fixtures.shell import Answer, Shell

REHEARSAL = ("--engine", "rehearsal")
KEYS = ["schema", "command", "ok", "data", "findings", "error"]


def check(answer: Answer, command: str) -> None:
    envelope = answer.envelope
    assert list(envelope) == KEYS
    assert (envelope["schema"], envelope["command"]) == (1, command)
    assert envelope["ok"] == (answer.code == 0) == (envelope["error"] is None)
    assert envelope["data"] is not None or not envelope["ok"]  # a training that fails says what is kept


def test_init(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    answer = shell("init", "my-lora", "--images", photographs, *REHEARSAL, "--json")
    check(answer, "init")
    data = answer.envelope["data"]
    assert (data["images"], data["waits"], data["can_train"]) == (8, [], True)
    assert Path(data["config"]) == tmp_path / "my-lora" / "training_config.toml"
    assert "✓ config" in answer.err


def test_run_with_each_finding_once(shell: Shell, guide: Path) -> None:
    answer = shell("run", guide, *REHEARSAL, "--json")
    check(answer, "run")
    data, findings = answer.envelope["data"], answer.envelope["findings"]
    assert (data["engine"], data["steps"], data["epochs"]) == ("rehearsal", 50, 10)
    assert Path(data["lora"]).is_file()
    assert all(Path(path).is_file() for path in data["checkpoints"])
    assert (data["epoch"], data["paused"]) == (10, False)
    codes = [finding["code"] for finding in findings]
    assert codes == ["filled", "filled", "spelling", "spelling", "hardware", "warmup-longer-than-run"]
    assert all(answer.err.count(finding["message"]) == 1 for finding in findings)


def test_demo(shell: Shell) -> None:
    answer = shell("demo", "--json")
    check(answer, "demo")
    assert Path(answer.envelope["data"]["lora"]).is_file()


def test_the_environment_can_ask_for_it(shell: Shell) -> None:
    check(shell("init", *REHEARSAL, KOHYA_WRAP_JSON="1"), "init")
    check(shell("run", "nowhere.toml", KOHYA_WRAP_JSON="1"), "run")
    assert shell("run", "nowhere.toml", KOHYA_WRAP_JSON="0").out == ""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (2, ["run", "--no-such-option"]),
        (2, ["init", "--gpu", "RTX 9999"]),
        (3, ["run", "nowhere.toml"]),
        (4, ["init", "--images", "nowhere"]),
        (5, ["init", "--base", "./nowhere.safetensors", "--gpu", "cpu"]),
        (6, ["run", "my-lora/training_config.toml", *REHEARSAL]),
        (8, ["run", "my-lora/training_config.toml"]),
    ],
)
def test_every_family_of_errors(shell: Shell, guide: Path, code: int, words: list[str]) -> None:
    answer = shell(*words, "--json", KOHYA_WRAP_REHEARSAL_FAULT="oom@3")
    assert answer.code == code
    check(answer, words[0])
    error = answer.envelope["error"]
    assert list(error) == ["code", "message", "why", "hint"]
    assert error["code"] == code
    assert all(error.values())
    assert error["message"] in answer.err


def test_findings_that_end_a_run_are_all_in_it(shell: Shell, guide: Path) -> None:
    guide.write_text(guide.read_text(encoding="utf-8") + "network_dimm = 3\nseeed = 1\n", encoding="utf-8")
    answer = shell("run", guide, *REHEARSAL, "--json")
    errors = [finding["where"] for finding in answer.envelope["findings"] if finding["level"] == "error"]
    assert errors == ["training_config.toml:29", "training_config.toml:30"]


def refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def test_a_loss_that_is_no_number_is_null(shell: Shell, guide: Path) -> None:
    words = ("run", guide, guide.parent / "second.toml", *REHEARSAL, "--json")
    second = guide.read_text(encoding="utf-8").replace("my_lora", "second")
    (guide.parent / "second.toml").write_text(second, encoding="utf-8")
    said = [
        shell(*words, KOHYA_WRAP_REHEARSAL_FAULT="nan@5").out,
        shell("status", guide, "--json").out,
        shell("status", guide, "-f", "--json").out,
    ]
    queue, project, followed = (json.loads(text, parse_constant=refuse) for text in said)
    assert [row["loss"] for row in queue["data"]["jobs"]] == [None, None]
    assert (project["data"]["runs"][0]["loss"], followed["loss"]) == (None, None)


def broken(shell: Shell, error: str) -> Shell:
    """`kohya-wrap` whose demo draws no pictures but raises."""
    program = "from kohya_wrap.cli import main; from kohya_wrap.dataset import drawn\n"
    program += f"def draw(folder): raise {error}\n"
    return Shell(shell.cwd, shell.variables, (sys.executable, "-c", program + "drawn.draw = draw; main()"))


def test_a_bug_of_ours_is_1_with_its_traceback(shell: Shell) -> None:
    answer = broken(shell, "KeyError('x')")("demo", "--engine", "rehearsal", "--json")
    assert answer.code == 1
    check(answer, "demo")
    assert "Traceback" in answer.err
    assert "kohya-wrap" in answer.envelope["error"]["why"]


@pytest.mark.parametrize("error", ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EIO"])
def test_a_disk_that_refuses_is_8_and_no_traceback(shell: Shell, error: str) -> None:
    raised = f"OSError(__import__('errno').{error}, 'what the system says', 'folder/file')"
    answer = broken(shell, raised)("demo", "--engine", "rehearsal")
    assert answer.code == 8
    assert answer.three_lines[0] == "folder/file: what the system says."
    assert "move the project" in answer.three_lines[2] and "KOHYA_WRAP_HOME" not in answer.three_lines[2]


@pytest.mark.parametrize("words", [["demo", *REHEARSAL], ["init", "--gpu", "cpu"]])
def test_a_home_that_is_a_file_is_8(shell: Shell, words: list[str]) -> None:
    home = shell.cwd / "not-a-folder"
    home.touch()
    answer = shell(*words, KOHYA_WRAP_HOME=str(home))
    assert answer.code == 8
    assert str(home) in answer.three_lines[0]
    assert "set KOHYA_WRAP_HOME" in answer.three_lines[2] and "project" not in answer.three_lines[2]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder of the system, where none can be made")
@pytest.mark.parametrize("words", [["demo", *REHEARSAL], ["init", "--gpu", "cpu"]])
def test_a_home_that_cannot_be_made_is_8(shell: Shell, words: list[str]) -> None:
    answer = shell(*words, KOHYA_WRAP_HOME="/proc/none")
    assert answer.code == 8
    assert "/proc/none" in "".join(answer.three_lines)


def test_a_code_page_without_the_tick_is_no_error(shell: Shell) -> None:
    answer = shell("init", *REHEARSAL, PYTHONIOENCODING="cp932")
    assert (answer.code, answer.err) == (0, "")
    assert "? config" in answer.out


def test_a_long_list_is_written_item_by_item(capsys: pytest.CaptureFixture[str]) -> None:
    """As the records of ten thousand images are: never all of them as one text."""
    before: list[str] = []

    def records() -> Iterator[dict[str, str]]:
        for number in range(3):
            before.append(capsys.readouterr().out)
            yield {"number": f"{number}", "token": "hf_" + "x" * 30}

    data = {"images": records(), "none": iter(()), "empty": {}}
    Console(as_json=True).envelope("dataset check", data)
    whole = "".join(before) + capsys.readouterr().out
    assert '"number": "1"' in before[2]
    read = json.loads(whole)["data"]
    assert read == {
        "images": [{"number": f"{n}", "token": "hf_***"} for n in range(3)],
        "none": [],
        "empty": {},
    }
