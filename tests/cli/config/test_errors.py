"""Files that are no config: three lines, exit code 3, and what to type."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from kohya_wrap.config import importing
from kohya_wrap.domain import gui_file
from kohya_wrap.errors import ConfigError
from kohya_wrap.host import toml_file
from tests.fixtures.shell import Shell

GUI = json.dumps({"pretrained_model_name_or_path": "a", "LoRA_type": "Standard"})
PRESET = json.dumps({"LoRA_type": "Standard", "learning_rate": 1e-4, "optimizer": "AdamW"})  # names no base


@pytest.mark.parametrize("command", ["check", "show", "set"])
def test_a_pipe_is_refused_and_not_waited_for(shell: Shell, tmp_path: Path, command: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.open("w").close(), daemon=True)
    writer.start()  # so that who does read it comes to an end
    answer = shell("config", command, *(("seed=1", "--file") if command == "set" else ()), "pipe")
    os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
    writer.join()
    assert answer.code == 3
    assert answer.three_lines[0] == "pipe is no file: a pipe, a device or a socket."


@pytest.mark.parametrize("command", ["check", "show", "set"])
@pytest.mark.parametrize(
    ("name", "content", "what", "hint"),
    [
        ("c.toml", b"seed = 1\nvae = x\n", "c.toml:2:7 is not TOML: vae = x", "Mend that line"),
        ("c.toml", b"a = [1,\n", "c.toml:1", "Mend that line"),
        ("c.toml", b"seed = 1\nseed = 2\n", "c.toml:2: `seed` is given twice, first at line 1.", "Keep one"),
        ("c.toml", 'vae = "猫"'.encode("shift_jis"), "c.toml is not UTF-8 (byte 7).", "Save it as UTF-8"),
        ("c.toml", b"# " + b"x" * 10_000_000, "c.toml is 10.0 MB: no training config is that large.", "Name the"),
        ("c.toml", None, "c.toml is a folder.", "Name the file in it: c.toml/training_config.toml"),
        ("c.json", GUI.encode(), "c.json is JSON, as the kohya_ss GUI saves its configs.", "config import c.json"),
        ("c.json", PRESET.encode(), "c.json is JSON, as the kohya_ss GUI saves its configs.", "config import c.json"),
        ("c.json", b'{"name": "x", "version": 1}', "c.json is JSON, and no training config.", "kohya-wrap init"),
        ("c.json", b"[1, 2]", "c.json", ""),
        ("none.toml", ..., "none.toml is not there.", "kohya-wrap init"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_config(
    shell: Shell, tmp_path: Path, command: str, name: str, content: bytes | None, what: str, hint: str
) -> None:
    if content is None:
        (tmp_path / name).mkdir()
    elif isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    answer = shell("config", command, *(("seed=1", "--file") if command == "set" else ()), name)
    assert answer.code == 3
    said, _, remedy = answer.three_lines
    assert said.startswith(what) and hint in remedy


@pytest.mark.parametrize(
    "text", ['seed = 1\nvae = "x\nv2 = true\n', "seed = 1\nvae = 'x\n", 'seed = 1\r\nvae = "x\r\n']
)
def test_a_quote_that_is_never_closed_is_called_so(shell: Shell, tmp_path: Path, text: str) -> None:
    (tmp_path / "c.toml").write_bytes(text.encode())
    what, why, _ = shell("config", "check", "c.toml").three_lines
    assert what.startswith("c.toml:2:") and why == "A quote is never closed: its text ends with the line."


@pytest.mark.parametrize(
    "text", ["seed = 1\nx = [", "seed = 1\nx =", 'seed = 1\nx = "a', "seed = 1\nx = [\n1,\n"]
)
def test_a_file_that_ends_too_early_is_called_so(shell: Shell, tmp_path: Path, text: str) -> None:
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    what, why, _ = shell("config", "check", "c.toml").three_lines
    assert what.startswith("c.toml:") and why.startswith("The file ends too early: ")


@pytest.mark.parametrize(
    "fields",
    [{sign: "x"} for sign in gui_file.SIGNS] + [{"pretrained_model_name_or_path": "x"}, {"seed": 1}],
)
def test_import_is_told_of_what_it_takes_for_a_gui_config(tmp_path: Path, fields: dict[str, object]) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps(fields))
    with pytest.raises(ConfigError) as checked:
        toml_file.read(path)
    with pytest.raises(ConfigError) as imported:  # nothing here is a whole config
        importing.read(path)
    taken = "none of the kohya_ss GUI's fields" not in imported.value.why
    assert ("config import" in checked.value.hint) is taken


def test_an_empty_file_lacks_a_base(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("")
    answer = shell("config", "check", "c.toml")
    assert answer.code == 3
    (error,) = [line for line in answer.out.splitlines() if line.startswith("error: ")]
    assert "c.toml names no base model." in error and 'under [kohya_wrap]: base = "sd15"' in error


def test_toml_of_something_else(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n')
    answer = shell("config", "check", "pyproject.toml")
    assert answer.code == 3
    assert answer.three_lines[0] == "pyproject.toml is no training config."
