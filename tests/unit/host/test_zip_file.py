"""Names in zip files, as they were meant, and archives that are refused."""

from __future__ import annotations

import io
import struct
import tracemalloc
import unicodedata
import zipfile
from pathlib import Path

import pytest

from kohya_wrap.host import zip_file
from kohya_wrap.host.zip_file import BadZip


def archive(path: Path, *names: bytes) -> Path:
    """A zip whose names are these bytes, without the mark of UTF-8, as older tools write it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as out:
        for number, name in enumerate(names):
            out.writestr(f"{number}".ljust(len(name), "_"), b"content")
    content = written.getvalue()
    for number, name in enumerate(names):
        content = content.replace(f"{number}".ljust(len(name), "_").encode(), name)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("写真/猫.png".encode("cp932"), "写真/猫.png"),
        ("写真/猫.png".encode(), "写真/猫.png"),
        (unicodedata.normalize("NFD", "が.png").encode(), "が.png"),  # macOS
        (b"caf\x82.png", "café.png"),  # DOS
        (b"x\\y.png", "x/y.png"),
        (b"plain.png", "plain.png"),
    ],
    ids=["windows in japan", "utf-8", "macos", "dos", "backslash", "ascii"],
)
def test_names_of_other_systems(tmp_path: Path, raw: bytes, name: str) -> None:
    (member,) = zip_file.members(archive(tmp_path / "a.zip", raw))
    assert member.name == name
    assert member.read() == b"content"


def test_folders_are_no_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.mkdir("x") if hasattr(out, "mkdir") else out.writestr("x/", "")
        out.writestr("x/a.txt", "a")
    assert [member.name for member in zip_file.members(tmp_path / "a.zip")] == ["x/a.txt"]


def test_one_with_a_password(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", b"a.png")
    content = path.read_bytes()
    entry = content.index(b"PK\1\2")
    path.write_bytes(content[: entry + 8] + struct.pack("<H", 1) + content[entry + 10 :])
    with pytest.raises(BadZip, match="password"):
        zip_file.members(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all"])
def test_what_is_no_zip(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(BadZip):
        zip_file.members(tmp_path / "a.zip")


def test_a_zip_is_known_by_its_name_or_its_content(tmp_path: Path) -> None:
    archive(tmp_path / "photos", b"a.png")
    (tmp_path / "broken.ZIP").write_bytes(b"?")
    (tmp_path / "a.txt").write_bytes(b"?")
    assert [zip_file.is_zip(tmp_path / name) for name in ("photos", "broken.ZIP", "a.txt")] == [
        True,
        True,
        False,
    ]


def test_pictures_that_pack_well_are_no_bomb(tmp_path: Path) -> None:
    """A flat bitmap of some megabytes packs a thousandfold too."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.bmp", bytes(20_000_000))
    assert len(zip_file.members(tmp_path / "a.zip")) == 1


def test_a_member_that_says_it_is_smaller_than_it_is_unpacks_to_no_more(tmp_path: Path) -> None:
    """A bomb with a forged size, which the list of the archive believes."""
    path = tmp_path / "forged.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.png", b"0" * 50_000_000)
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", 50_000_000), struct.pack("<I", 1000)))
    (member,) = zip_file.members(path)
    assert member.stamp[0] == 1000
    tracemalloc.start()
    try:
        with pytest.raises(BadZip, match=r"a.png in it is damaged"):
            member.read()
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
