"""The concept folder from pictures, which are only read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.dataset import building
from kohya_wrap.dataset.building import Choices
from kohya_wrap.dataset.inventory import take
from kohya_wrap.errors import DatasetError
from kohya_wrap.host import atomic, lock
from tests.unit.dataset.building.conftest import Build, contents, place, texts
from tests.unit.dataset.conftest import Picture


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(folder.iterdir())}


def test_pictures_are_linked_and_captions_copied(picture: Picture, build: Build, folder: Path) -> None:
    source = picture("in/a.png", caption="a cat")
    built = build()
    assert built.folder == folder
    assert contents(folder) == ["a.png", "a.txt"]
    assert (folder / "a.png").samefile(source)
    assert not (folder / "a.txt").samefile(source.with_suffix(".txt"))
    assert (built.images, built.captions, built.triggers_written, built.saved, built.added) == (1, 1, 0, 0, 1)


def test_the_source_stays_as_it_is(picture: Picture, tmp_path: Path, build: Build) -> None:
    picture("in/a.png", caption="a cat")
    picture("in/b.gif", caption="  ")
    picture("in/c.Jpg").with_suffix(".caption").write_text("c")
    before = snapshot(tmp_path / "in")
    build(trigger="sks", resize=64)
    assert snapshot(tmp_path / "in") == before


def test_the_linked_picture_is_a_copy_where_the_file_system_allows_no_link(
    picture: Picture, build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr("os.link", refuse)
    source = picture("in/a.png")
    build()
    assert (folder / "a.png").read_bytes() == source.read_bytes()
    assert not (folder / "a.png").samefile(source)


def test_a_picture_that_is_a_relative_link_is_followed(
    picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    picture("store/a.png")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.png").symlink_to("../store/a.png")
    build()
    assert take(folder.parent, None).images == 1
    assert not (folder / "a.png").is_symlink()


@pytest.mark.parametrize(
    ("caption", "trigger", "text", "written"),
    [
        ("a cat", "sks", "sks, a cat\n", 1),
        (None, "sks", "sks\n", 1),
        ("", "sks", "sks\n", 1),
        ("a sks cat", "sks", "a sks cat\n", 0),
        ("A SKS, cat", "sks", "A SKS, cat\n", 0),
        ("three masks", "ask", "ask, three masks\n", 1),  # part of another word
        ("sks_2 girl", "sks", "sks, sks_2 girl\n", 1),
        ("かわいいミクちゃん", "ミク", "かわいいミクちゃん\n", 0),
        ("a cat\nsks", "sks", "sks, a cat\nsks\n", 1),  # the engine reads the first line alone
        ("cat (c++)", "c++", "cat (c++)\n", 0),
        ("a cat", "", "a cat\n", 0),
    ],
)
def test_the_trigger_is_written_where_it_lacks(
    picture: Picture, build: Build, folder: Path, caption: str | None, trigger: str, text: str, written: int
) -> None:
    picture("in/a.png", caption=caption)
    built = build(trigger=trigger)
    assert texts(folder) == {"a.txt": text}
    assert (built.captions, built.triggers_written) == (1, written)


@pytest.mark.parametrize(
    ("caption", "text"),
    [("1girl, sks, smile", "sks, 1girl, smile\n"), ("1girl", "sks, 1girl\n"), ("sks, 1girl", "sks, 1girl\n"),
     ("a photo of sks on a sofa", "a photo of sks on a sofa\n"), ("", "sks\n")],
)  # fmt: skip
def test_the_trigger_is_moved_to_the_front_where_that_is_asked(
    picture: Picture, build: Build, folder: Path, caption: str, text: str
) -> None:
    picture("in/a.png", caption=caption)
    build(trigger="sks", move_trigger_first=True)
    assert texts(folder) == {"a.txt": text}


@pytest.mark.parametrize("caption", [None, "", " \n"])
def test_without_trigger_and_caption_there_is_no_caption_file(
    picture: Picture, build: Build, folder: Path, caption: str | None
) -> None:
    """An empty one would crash the engine; without one the folder's name is the caption."""
    picture("in/a.png", caption=caption)
    assert (build().captions, contents(folder)) == (0, ["a.png"])


def test_pictures_of_one_stem_get_names_and_captions_of_their_own(
    picture: Picture, build: Build, folder: Path
) -> None:
    picture("in/a.jpg", caption="a cat")
    picture("in/a.png")
    picture("in/A.webp")
    picture("in/more/a.jpg", (9, 9), caption="another cat")
    build()
    names = ["A.webp", "a-2.jpg", "a-2.txt", "a-3.png", "a-3.txt", "a-4.jpg", "a-4.txt"]
    assert contents(folder) == names
    assert texts(folder) == {"a-2.txt": "a cat\n", "a-3.txt": "a cat\n", "a-4.txt": "another cat\n"}


def test_hidden_files_and_other_kinds_are_left_behind(
    picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    picture("in/a.png")
    picture("in/.trash/b.png")
    (tmp_path / "in/._a.png").write_bytes(b"\0\5\x16\7")
    (tmp_path / "in/notes.md").write_text("x")
    (tmp_path / "in/c.psd").write_text("x")
    (tmp_path / "in/more.png").mkdir()
    built = build()
    assert contents(folder) == ["a.png"]
    assert [said.message for said in built.findings] == [
        "files of other kinds are left where they are: 1 .psd, 1 .md."
    ]


def test_what_it_builds_the_inventory_reads_without_a_word(
    picture: Picture, build: Build, folder: Path
) -> None:
    for name in ("a.png", "a.jpg", "b.Jpg", "c.gif", "deep/er/d.tif"):
        picture(f"in/{name}")
    build(trigger="sks", holdout=1)
    inventory = take(folder.parent, None)
    assert (inventory.images, inventory.captions, inventory.findings) == (4, 4, ())


def test_folders_with_numbers_are_said(picture: Picture, build: Build) -> None:
    picture("in/10_dog/a.png")
    picture("in/summer/b.png")
    (said,) = build().findings
    assert said.code == "numbered-folders"
    assert "10_dog" in said.message and "summer" not in said.message


@pytest.mark.parametrize("where", ["in", "nowhere"])
def test_no_picture_or_no_folder(tmp_path: Path, build: Build, where: str) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(DatasetError, match=r"No picture in|is not there"):
        build(where)
    assert contents(tmp_path) == ["home", "in"]


@pytest.mark.parametrize("broken", ["picture", "empty", "link", "loop", "caption", "long"])
def test_a_failure_leaves_no_half_built_folder(
    picture: Picture, tmp_path: Path, build: Build, broken: str
) -> None:
    picture("in/a.png", caption="fine")
    image = picture("in/b.png")
    if broken == "picture":
        image.write_bytes(b"no picture")
    elif broken == "empty":
        image.write_bytes(b"")
    elif broken in ("link", "loop"):
        image.unlink()
        image.symlink_to("b.png" if broken == "loop" else "nothing.png")
    elif broken == "caption":
        image.with_suffix(".txt").write_bytes("猫".encode("shift_jis"))
    else:
        image.with_suffix(".txt").write_text("long, " * 20_000)
    with pytest.raises(DatasetError, match=r"b\.(png|txt)") as error:
        build()
    assert error.value.code == 4
    assert not (tmp_path / "data").exists()
    assert build(skip_broken=True).images == 1


def test_a_bomb_is_refused(tmp_path: Path, build: Build) -> None:
    (tmp_path / "in").mkdir()
    Image.new("1", (20000, 20000)).save(tmp_path / "in/a.png")
    with pytest.raises(DatasetError, match="too many pixels"):
        build()


def test_what_cannot_be_used_is_left_out_where_that_is_asked(
    picture: Picture, build: Build, folder: Path
) -> None:
    picture("in/a.png")
    picture("in/b.png").write_bytes(b"no picture")
    built = build(skip_broken=True)
    assert contents(folder) == ["a.png"]
    assert [(said.code, said.level.value) for said in built.findings] == [("unreadable", "warning")]


def test_nothing_but_what_cannot_be_used(picture: Picture, build: Build) -> None:
    picture("in/b.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"b\.png"):
        build(skip_broken=True)


def test_two_at_once_build_one_after_the_other(picture: Picture, tmp_path: Path, build: Build) -> None:
    picture("in/a.png")
    with ThreadPoolExecutor(1) as pool:
        with lock.hold(place(tmp_path).record):
            second = pool.submit(build)
            assert not wait([second], timeout=0.5).done
            assert not (tmp_path / "data").exists()
        assert second.result(timeout=30).images == 1


def test_a_full_disk_leaves_what_stood(
    picture: Picture, tmp_path: Path, build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture("in/a.png", caption="a cat")
    build()
    before = snapshot(folder)
    picture("in/b.gif")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        build(trigger="sks")
    assert snapshot(folder) == before
    assert [path.name for path in folder.parent.iterdir() if not path.name.endswith(".lock")] == ["10_cat"]


def test_a_disk_that_is_full_at_the_end_leaves_nothing_of_it(
    picture: Picture, build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture("in/a.png")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        build()
    assert [path.name for path in folder.parent.iterdir() if not path.name.endswith(".lock")] == []


def test_captions_have_the_ending_that_the_config_says(
    picture: Picture, tmp_path: Path, folder: Path
) -> None:
    picture("in/a.png", caption="a cat")
    for _ in range(2):
        choices = Choices(sources=(str(tmp_path / "in"),))
        building.build(replace(place(tmp_path), extension=".caption"), choices, lambda count: 10)
        assert contents(folder) == ["a.caption", "a.png"]


def test_a_file_where_pictures_are_set_aside_stays(picture: Picture, tmp_path: Path, build: Build) -> None:
    picture("in/a.png")
    picture("in/b.png", (9, 9))
    (tmp_path / "held_out").mkdir()
    (tmp_path / "held_out/cat").write_text("precious")
    for holdout in (1, 0):
        with pytest.raises(DatasetError, match="held_out/cat is a file, where a folder must be"):
            build(holdout=holdout)
    assert [path.name for path in (tmp_path / "held_out").iterdir()] == ["cat"]
    assert (tmp_path / "held_out/cat").read_text() == "precious"
    (tmp_path / "held_out/cat").unlink()
    (tmp_path / "held_out/cat").symlink_to("nothing")
    with pytest.raises(DatasetError, match="held_out/cat is a link to nothing, where a folder must be"):
        build(holdout=1)
