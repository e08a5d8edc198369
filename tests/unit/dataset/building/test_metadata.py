"""Files with the captions of many, as programs and people write them: what can be read is read, the rest is named."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from kohya_wrap.dataset.building import Built
from kohya_wrap.errors import DatasetError
from tests.unit.dataset.building.conftest import Build, texts
from tests.unit.dataset.conftest import Picture

BOTH = {"a.txt": "cap a\n", "b.txt": "cap b\n"}


@pytest.fixture
def two(picture: Picture) -> None:
    picture("in/a.png")
    picture("in/b.png", (9, 9))


def messages(built: Built) -> list[str]:
    return [finding.message for finding in built.findings]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metadata.jsonl", '{"file_name": "a.png", "text": "cap a"}\r\n{"file_name": "b.png", "text": "cap b"}'),
        ("meta.json", '{"a.png": "cap a", "b": "cap b"}'),
        ("metadata.csv", "file_name;text\na.png;cap a\nb.png;cap b\n"),
        ("metadata.csv", "File_Name\tCaption\r\na.png\tcap a\r\nb.png\tcap b\r\n"),
        ("metadata.csv", '"filename";"description"\ra.png;cap a\rb.png;cap b\r'),
        ("meta.json", '[{"FileName": "a.png", "Prompt": "cap a"}, {"Path": "b.png", "Tags": ["cap b"]}]'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_other_spellings(
    two: None, tmp_path: Path, build: Build, folder: Path, name: str, content: str, encoding: str
) -> None:
    (tmp_path / "in" / name).write_text(content, encoding=encoding, newline="")
    assert messages(build()) == []
    assert texts(folder) == BOTH


def test_other_ends_of_lines_within_a_caption(two: None, tmp_path: Path, build: Build, folder: Path) -> None:
    line = json.dumps({"file_name": "a.png", "text": "one\u2028two\x0bthree"}, ensure_ascii=False)
    (tmp_path / "in/metadata.jsonl").write_text(f"{line}\n", encoding="utf-8")
    assert build().findings == ()
    assert texts(folder) == {"a.txt": "one\u2028two\x0bthree\n"}


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("m.jsonl", b'{"file_name": "a.png", "text": "cap a"}\n{"file_name\n\n{"file_name": "b.png", "text": "cap b"}', "line 2"),
        ("m.jsonl", b'{"file_name": "a.png", "text": "cap a"}\n[]\n{"text": "c"}\n{"file_name": "b.png", "text": "cap b"}', "line 2, line 3"),
        ("m.json", b'{"a.png": "cap a", "z.png": 3, "b.png": {"caption": "cap b"}}', "'z.png'"),
        ("m.json", b'{"a.png": "cap a", "c.png": {"caption": "half \\ud800 of it"}, "b.png": "cap b"}', "'c.png'"),
        ("m.csv", b"file_name,text\na.png,cap a\nc.png,cap, c\nb.png,cap b\n", "line 3"),
    ],
)  # fmt: skip
def test_what_is_passed_over_is_named_by_its_line(
    two: None, tmp_path: Path, build: Build, folder: Path, name: str, content: bytes, named: str
) -> None:
    (tmp_path / "in" / name).write_bytes(content)
    (said,) = build().findings
    assert said.message == f"no caption is taken from {named}: it cannot be read, or names no picture."
    assert (said.level.value, said.where) == ("warning", str(tmp_path / "in" / name))
    assert texts(folder) == BOTH


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("m.json", b'{"a.png": "cap a",\n oh}', "line 2 is no JSON"),
        ("m.json", b"[" * 100_000, "it is no JSON"),
        ("m.json", '{"a.png": "é"}'.encode("latin-1"), "it is no UTF-8"),
        ("m.csv", b"file_name,text\na.png," + b"x" * 200_000, "line 2: field larger"),
    ],
)
def test_what_cannot_be_read_is_named(
    two: None, tmp_path: Path, build: Build, folder: Path, name: str, content: bytes, why: str
) -> None:
    (tmp_path / "in" / name).write_bytes(content)
    (said,) = build().findings
    assert said.message.startswith(f"the captions in it are not taken: {why}")
    assert said.where == str(tmp_path / "in" / name)
    assert texts(folder) == {}


def test_files_without_a_caption_of_any_picture_are_named_together(
    two: None, tmp_path: Path, build: Build
) -> None:
    for name in ("w.json", "x.json", "y.jsonl", "z.csv"):
        (tmp_path / "in" / name).write_text(json.dumps({"c.png": "c", "n": 3, "of": [1]}))
    for name in ("a.json", "b.png.json"):  # what a downloader says of one picture is no such file
        (tmp_path / "in" / name).write_text('{"width": 12}')
    (said,) = messages(build())
    assert said == "w.json, x.json, y.jsonl and 1 more hold no caption of any picture here."


def damaged(path: Path, picture: Path, other: str) -> None:
    """A zip whose second member has another check sum than its bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(picture, "a.png")
        archive.writestr("b/b.png", picture.read_bytes())
        archive.writestr(other, b'{"a.png": "MARK"}')
    path.write_bytes(path.read_bytes().replace(b"MARK", b"DARK"))


@pytest.mark.parametrize(("other", "left"), [("a.txt", 1), ("meta.json", 2)])
def test_a_damaged_member_of_a_zip(
    picture: Picture, tmp_path: Path, build: Build, folder: Path, other: str, left: int
) -> None:
    damaged(tmp_path / "in.zip", picture("a.png"), other)
    with pytest.raises(DatasetError, match=rf"{other} cannot be read: {other} in it is damaged") as refused:
        build("in.zip")
    assert refused.value.hint.startswith("Unpack the zip")
    built = build("in.zip", skip_broken=True)
    (said,) = messages(built)
    assert said.startswith("left out: ") and f"{other} cannot be read" in said
    assert (built.images, texts(folder)) == (left, {})


@pytest.mark.parametrize("name", ["a.txt", "metadata.jsonl", "a.png"])
def test_what_may_not_be_read(
    two: None, tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Without the rights of a user who is not root: the file answers as it would to such a one."""
    closed = tmp_path / "in" / name
    closed.touch()
    read = Path.read_bytes

    def refusing(self: Path) -> bytes:
        if self == closed:
            raise PermissionError(13, os.strerror(13), str(self))
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", refusing)
    with pytest.raises(DatasetError, match=f"in/{name} may not be read: Permission denied") as refused:
        build()
    assert refused.value.hint == f"chmod u+r {closed}"


def row(name: str, text: str) -> str:
    return json.dumps({"file_name": name, "text": text})


@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_speaks_only_of_what_is_below_it(
    picture: Picture, tmp_path: Path, build: Build, folder: Path, zipped: bool
) -> None:
    for number, inner in enumerate(("x/a", "y/a", "z/a")):
        picture(f"in/{inner}.png", (9, 9 + number))
    for inner in ("x", "y"):
        (tmp_path / "in" / inner / "metadata.jsonl").write_text(row("a.png", f"of {inner}"))
    if zipped:
        shutil.make_archive(str(tmp_path / "in"), "zip", tmp_path / "in")
    build("in.zip" if zipped else "in")
    assert texts(folder) == {"a.txt": "of x\n", "a-2.txt": "of y\n"}


@pytest.mark.parametrize(
    ("key", "whose"),
    [
        ("x/a.png", "x/a"), ("x/a", "x/a"), ("./x/a.png", "x/a"), ("x\\a.png", "x/a"), ("in/x/a.png", "x/a"),
        ("/home/me/old/x/a.png", "x/a"), ("C:\\old\\x\\a.png", "x/a"),
        ("a.png", ""), ("a", ""), ("z/a.png", ""), ("z/b.png", ""), ("/home/me/z/a.png", ""),
        ("b.png", "y/b"), ("b", "y/b"), ("y/b.png", "y/b"),
    ],
)  # fmt: skip
def test_whose_a_key_is(
    picture: Picture, tmp_path: Path, build: Build, folder: Path, key: str, whose: str
) -> None:
    for number, inner in enumerate(("x/a", "y/a", "y/b")):
        picture(f"in/{inner}.png", (9, 9 + number))
    (tmp_path / "in/metadata.jsonl").write_text(row(key, "said"))
    build()
    names = {"x/a": "a.txt", "y/b": "b.txt"}
    assert texts(folder) == ({names[whose]: "said\n"} if whose else {})


def test_the_nearest_file_and_the_nearest_key_count(
    picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    picture("in/a.png")
    picture("in/x/b.png", (9, 9))
    far = (row("b.png", "far"), row("/old/a.png", "far"), row("a.png", "near"))
    (tmp_path / "in/metadata.jsonl").write_text("\n".join(far))
    (tmp_path / "in/x/metadata.jsonl").write_text(row("b.png", "nearer"))
    build()
    assert texts(folder) == {"a.txt": "near\n", "b.txt": "nearer\n"}
