"""The user's file read with its lines; the engine's file written so that its own reader agrees."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import toml

from kohya_wrap.errors import ConfigError
from kohya_wrap.host.toml_file import UserToml, read, write_engine


def user(tmp_path: Path, content: str | bytes) -> UserToml:
    path = tmp_path / "c.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(path)


def test_values_as_toml_1_0_reads_them(tmp_path: Path) -> None:
    """Mixed lists and hexadecimal numbers, which the engine's own reader refuses."""
    text = '\ufeffa = [1e-5, 0]\n[t]\nb = 0x10\nc = """two\nlines"""\n'
    data = user(tmp_path, text).data
    assert data == {"a": [1e-5, 0], "t": {"b": 16, "c": "two\nlines"}}
    assert type(data["t"]["b"]) is int, "plain values, not tomlkit's"


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert user(tmp_path, "").data == {}


TEXT = """\
flat = 1
# comment = 2
[model]   # the base
"quoted-key" = "x"
  indented = [
    [1, 2],
    [3, 4]  # the last
]
after = true
[ training ]
flat = 3
dotted.inner = 1
[inline]
table = { inner = 1 }
"""


@pytest.mark.parametrize(
    ("table", "key", "where"),
    [
        ("", "flat", "c.toml:1"),
        ("", "model", "c.toml:3"),
        ("model", "quoted-key", "c.toml:4"),
        ("model", "indented", "c.toml:5"),
        ("model", "after", "c.toml:9"),
        ("training", "flat", "c.toml:11"),
        ("training", "dotted", "c.toml:12"),
        ("inline", "table", "c.toml:14"),
        ("", "comment", "c.toml"),
    ],
)
def test_where_each_key_stands(tmp_path: Path, table: str, key: str, where: str) -> None:
    assert user(tmp_path, TEXT).where(table, key) == where


@pytest.mark.parametrize(
    ("content", "place", "shown"),
    [
        ("seed = 1\nvae = x\n", "c.toml:2:7 ", "vae = x"),
        ("= 1\n", "c.toml:1:1 ", "= 1"),
        ("seed = 1\nseed = 2\n", "c.toml:2: `seed` is given twice, first at line 1.", ""),
        ('vae = "x\n', "c.toml:1", 'vae = "x'),
        ("a = [1,\n", "c.toml:1", "a = [1,"),
        ("[x]\na = 1\n[x]\nb = 1\n", "c.toml:3: [x] is given twice, first at line 1.", ""),
        ("seed = 1\nvae = x\nseed = 2\n", "c.toml:2:7 ", "vae = x"),
        ("[[x]]\na = 1\n[[x]]\na = 1\nb =\n", "c.toml:5:4 ", "b ="),
        ("a = 1\n[a]\nb = 1\n", "c.toml", ""),
        ("wandb_api_key = secret\n", "c.toml:1:17 is not TOML: wandb_api_key = (not shown)", ""),
    ],
)
def test_a_syntax_error_with_its_line_shown(tmp_path: Path, content: str, place: str, shown: str) -> None:
    with pytest.raises(ConfigError) as error:
        user(tmp_path, content)
    assert error.value.message.startswith(place)
    assert shown in error.value.message
    assert "= secret" not in error.value.message


def test_what_is_to_be_typed_can_be_pasted(tmp_path: Path) -> None:
    folder = tmp_path / "mom's lora"
    folder.mkdir()
    with pytest.raises(ConfigError) as error:
        read(folder)
    assert shlex.split(error.value.hint)[-1] == str(folder / "training_config.toml")


def test_no_utf8_is_told_with_its_byte(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not UTF-8 \(byte 7\)"):
        user(tmp_path, 'vae = "猫"'.encode("shift_jis"))


@pytest.mark.parametrize(
    ("name", "words"),
    [("none.toml", "is not there"), ("folder", "is a folder"), ("file/x", "cannot be read")],
)
def test_no_file_to_read(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=words):
        read(tmp_path / name)


@pytest.mark.parametrize(
    "value",
    [1, 1.0, 1e-4, 5e-5, True, "", "a b", 'é "x" # \\', "C:\\new", [1e-5, 2.5], ["a=1", "b=(0.9, 0.99)"], []],
)
def test_the_engine_s_reader_gets_what_was_meant(tmp_path: Path, value: Any) -> None:
    write_engine(tmp_path / "e.toml", {"key": value, "other": 1})
    got = toml.load(tmp_path / "e.toml")
    assert got == {"key": value, "other": 1}
    assert type(got["key"]) is type(value)


@pytest.mark.parametrize("value", [[1e-5, 0], [1, "a"], "\x00", "a\\x", float("nan"), None])
def test_what_the_engine_s_reader_would_change_is_named_and_not_written(tmp_path: Path, value: Any) -> None:
    with pytest.raises(ConfigError, match=r"lose or change key\."):
        write_engine(tmp_path / "e.toml", {"fine": 1, "key": value})
    assert not (tmp_path / "e.toml").exists()
