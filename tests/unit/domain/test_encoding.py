"""Which encoding a caption that is no UTF-8 is in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kohya_wrap.domain.encoding import guess


@pytest.mark.parametrize(
    ("text", "written_as", "guessed"),
    [
        ("猫", "shift_jis", "SHIFT_JIS"),
        ("a photo of ねこ", "shift_jis", "SHIFT_JIS"),
        ("1girl, 黒髪, 制服", "shift_jis", "SHIFT_JIS"),
        ("café cat", "cp1252", "WINDOWS-1252"),
        ("cafés and cats", "cp1252", "WINDOWS-1252"),
        ("a “quoted” cat", "cp1252", "WINDOWS-1252"),
        ("a cat’s “tail”, naïve", "cp1252", "WINDOWS-1252"),
        ("a cat", "utf-16", "UTF-16"),
        ("a café", "utf-32", "UTF-32"),
    ],
)
def test_what_is_guessed_converts_it(tmp_path: Path, text: str, written_as: str, guessed: str) -> None:
    content = text.encode(written_as)
    assert guess(content) == guessed
    (tmp_path / "a.txt").write_bytes(content)
    converted = subprocess.run(
        ["iconv", "-f", guessed, "-t", "UTF-8", tmp_path / "a.txt"], capture_output=True, check=True
    )
    assert converted.stdout.decode() == text


@pytest.mark.parametrize("content", [b"\xff\xfea", b"\x81 \x8d", b"\x00\x00\xfe\xff\x00"])
def test_where_no_guess_converts_it_there_is_none(content: bytes) -> None:
    assert guess(content) == ""
