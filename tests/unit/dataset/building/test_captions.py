"""The captions of a source: files beside the pictures, or one file for many."""

from __future__ import annotations

import json
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from kohya_wrap.errors import DatasetError
from tests.unit.dataset.building.conftest import Build, contents, texts
from tests.unit.dataset.conftest import Picture


@pytest.mark.parametrize(
    ("beside", "text"),
    [((".caption",), "c"), ((".txt", ".caption"), "t"), ((".TXT",), "T"), ((".Txt",), "T")],
)
def test_a_caption_file_of_either_ending(
    picture: Picture, build: Build, folder: Path, beside: tuple[str, ...], text: str
) -> None:
    image = picture("in/a.png")
    for ending in beside:
        image.with_suffix(ending).write_text(ending[1])
    build()
    assert contents(folder) == ["a.png", "a.txt"]
    assert texts(folder) == {"a.txt": f"{text}\n"}


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbfa cat", "a cat".encode("utf-16"), b"a cat\r\n"],
    ids=["utf-8", "utf-16", "lines"],
)
def test_marks_of_other_systems_do_not_become_part_of_a_tag(
    picture: Picture, build: Build, folder: Path, content: bytes
) -> None:
    picture("in/a.png").with_suffix(".txt").write_bytes(content)
    build()
    assert (folder / "a.txt").read_bytes() == b"a cat\n"


def test_the_caption_of_a_face_that_was_cut_out(picture: Picture, build: Build, folder: Path) -> None:
    """As the engine finds it: a_10_20_30_40.png takes a.txt."""
    picture("in/a_10_20_30_40.png")
    (folder.parent.parent / "in/a.txt").write_text("a face")
    build()
    assert texts(folder) == {"a_10_20_30_40.txt": "a face\n"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("meta.json", {"{in}/a.png": {"caption": "a cat", "tags": "red, small"}}),
        ("meta.json", {"a.png": {"caption": "a cat", "tags": ["red", "small"]}}),
        ("meta.json", {"a": {"tags": "a cat, red, small"}}),
        ("meta.json", {"/home/somebody/a.png": {"caption": "a cat, red, small"}}),
        ("meta.json", {"C:\\photos\\a.png": {"caption": "a cat, red, small"}}),
        ("meta.json", [{"image_path": "a.png", "caption": "a cat, red, small"}]),
        (
            "metadata.jsonl",
            '{"file_name": "a.png", "text": "a cat, red, small"}\n\n{"file_name": "z.png", "text": "z"}',
        ),
        ("metadata.csv", 'file_name,text\na.png,"a cat, red, small"\n'),
    ],
)
def test_captions_of_many_in_one_file(
    picture: Picture, tmp_path: Path, build: Build, folder: Path, name: str, content: object
) -> None:
    picture("in/a.png")
    written = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "in" / name).write_text(written.replace("{in}", str(tmp_path / "in")))
    build()
    assert texts(folder) == {"a.txt": "a cat, red, small\n"}


def test_of_two_pictures_of_one_name_each_has_its_own(
    picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    picture("in/x/a.png")
    picture("in/y/a.png", (9, 9))
    both = {"x/a.png": {"caption": "first"}, "y/a.png": {"caption": "second"}}
    (tmp_path / "in/meta.json").write_text(json.dumps(both))
    build()
    assert texts(folder) == {"a-2.txt": "second\n", "a.txt": "first\n"}


def test_a_name_that_two_absolute_paths_end_in_is_neither_s(
    picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    picture("in/a.png")
    both = {"/home/x/a.png": {"caption": "first"}, "/home/y/a.png": {"caption": "second"}}
    (tmp_path / "in/meta.json").write_text(json.dumps(both))
    build()
    assert texts(folder) == {}


def test_a_file_beside_the_picture_is_nearer(
    picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    picture("in/a.png", caption="beside")
    (tmp_path / "in/meta.json").write_text(json.dumps({"a.png": {"caption": "far"}}))
    build()
    assert texts(folder) == {"a.txt": "beside\n"}


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.json", '{"a.png": {"caption": "of a gallery"}}'), ("x.json", "{"), ("x.json", "[" * 100_000), ("x.csv", "\0"),
     ("x.jsonl", "3\n[]\n"), ("x.json", '{"a.png": {"caption": 3}}')],
)  # fmt: skip
def test_files_of_something_else_are_passed_over(
    picture: Picture, tmp_path: Path, build: Build, folder: Path, name: str, content: str
) -> None:
    picture("in/a.png")
    (tmp_path / "in" / name).write_text(content)
    build()
    assert texts(folder) == {}


def test_a_caption_in_shift_jis_is_named_with_what_to_type(picture: Picture, build: Build) -> None:
    picture("in/a.png").with_suffix(".txt").write_bytes("猫".encode("shift_jis"))
    with pytest.raises(DatasetError) as error:
        build()
    assert error.value.hint.startswith("iconv -f SHIFT_JIS")


def test_a_caption_of_100_kb_is_none(picture: Picture, build: Build) -> None:
    picture("in/a.png", caption="word " * 20_000)
    with pytest.raises(DatasetError, match=r"a\.txt has 100 kB: that is no caption"):
        build()


def test_a_caption_in_a_zip_is_not_unpacked_to_see_that_it_is_none(
    picture: Picture, tmp_path: Path, build: Build
) -> None:
    """64 MB of zeros in 64 kB."""
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(picture("a.png"), "a.png")
        archive.writestr("a.txt", bytes(64_000_000))
    tracemalloc.start()
    with pytest.raises(DatasetError, match=r"a\.txt has 64\.0 MB: that is no caption") as error:
        build("in.zip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
    assert error.value.hint.startswith("Take it out of the zip, or shorten it.")


@pytest.mark.parametrize("name", ["meta.json", "meta.jsonl"])
def test_a_caption_among_many_may_not_be_endless_either(
    picture: Picture, build: Build, folder: Path, name: str
) -> None:
    image = picture("in/a.png")
    row = {"file_name": "a.png", "caption": "word " * 20_000}
    (image.parent / name).write_text(json.dumps([row] if name.endswith("json") else row))
    with pytest.raises(DatasetError, match=r"caption of a.png has 99 kB") as raised:
        build()
    assert raised.value.code == 4 and not folder.exists()


def test_an_empty_file_is_not_taken_where_another_says_something(
    picture: Picture, build: Build, folder: Path
) -> None:
    image = picture("in/a.png", caption=" \n")
    image.with_suffix(".caption").write_text("a cat")
    other = picture("in/b.png", (9, 9), caption="")
    (other.parent / "meta.json").write_text('{"b.png": {"caption": "a dog"}}')
    assert build().findings == ()
    assert texts(folder) == {"a.txt": "a cat\n", "b.txt": "a dog\n"}
