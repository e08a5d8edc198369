"""The concept folder from a folder of images, which is only read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.dataset.build import build, complete, not_taken, repeats
from kohya_wrap.dataset.inventory import take
from kohya_wrap.errors import DatasetError
from kohya_wrap.host import lock
from tests.unit.dataset.conftest import Picture


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(folder.iterdir())}


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_pictures_are_linked_and_captions_copied(picture: Picture, tmp_path: Path) -> None:
    source = picture("in/a.png", caption="a cat")
    built = build(source.parent, tmp_path / "data/10_cat", trigger="")
    assert contents(built.folder) == ["a.png", "a.txt"]
    assert (built.folder / "a.png").samefile(source)
    assert not (built.folder / "a.txt").samefile(source.with_suffix(".txt"))
    assert (built.images, built.captions, built.triggers_written, built.converted) == (1, 1, 0, ())


def test_the_source_stays_as_it_is(picture: Picture, tmp_path: Path) -> None:
    picture("in/a.png", caption="a cat")
    picture("in/b.gif", caption="  ")
    picture("in/c.Jpg").with_suffix(".caption").write_text("c")
    before = snapshot(tmp_path / "in")
    build(tmp_path / "in", tmp_path / "data/10_cat", trigger="sks")
    assert snapshot(tmp_path / "in") == before


def test_the_linked_picture_is_a_copy_where_the_file_system_allows_no_link(
    picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr("os.link", refuse)
    source = picture("in/a.png")
    built = build(source.parent, tmp_path / "data/10_cat", trigger="")
    assert (built.folder / "a.png").read_bytes() == source.read_bytes()
    assert not (built.folder / "a.png").samefile(source)


def test_a_picture_that_is_a_relative_link_is_followed(picture: Picture, tmp_path: Path) -> None:
    picture("store/a.png")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.png").symlink_to("../store/a.png")
    built = build(tmp_path / "in", tmp_path / "somewhere/deep/10_cat", trigger="")
    assert take(built.folder.parent, None).images == 1


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
    picture: Picture, tmp_path: Path, caption: str | None, trigger: str, text: str, written: int
) -> None:
    picture("in/a.png", caption=caption)
    built = build(tmp_path / "in", tmp_path / "data/10_cat", trigger=trigger)
    assert (built.folder / "a.txt").read_text(encoding="utf-8") == text
    assert (built.captions, built.triggers_written) == (1, written)


@pytest.mark.parametrize("caption", [None, "", " \n"])
def test_without_trigger_and_caption_there_is_no_caption_file(
    picture: Picture, tmp_path: Path, caption: str | None
) -> None:
    """An empty one would crash the engine; without one the folder's name is the caption."""
    picture("in/a.png", caption=caption)
    built = build(tmp_path / "in", tmp_path / "data/10_cat", trigger="")
    assert (contents(built.folder), built.captions) == (["a.png"], 0)


def test_a_byte_order_mark_does_not_become_part_of_the_first_tag(picture: Picture, tmp_path: Path) -> None:
    picture("in/a.png").with_suffix(".txt").write_bytes(b"\xef\xbb\xbfa cat")
    built = build(tmp_path / "in", tmp_path / "data/10_cat", trigger="")
    assert (built.folder / "a.txt").read_bytes() == b"a cat\n"


@pytest.mark.parametrize(
    ("beside", "text"),
    [((".caption",), "c"), ((".txt", ".caption"), "t"), ((".TXT",), "T"), ((".Txt",), "T")],
)
def test_a_caption_file_of_either_ending(
    picture: Picture, tmp_path: Path, beside: tuple[str, ...], text: str
) -> None:
    image = picture("in/a.png")
    for ending in beside:
        image.with_suffix(ending).write_text(ending[1])
    built = build(tmp_path / "in", tmp_path / "data/10_cat", trigger="")
    assert contents(built.folder) == ["a.png", "a.txt"]
    assert (built.folder / "a.txt").read_text() == f"{text}\n"


def test_pictures_of_one_stem_get_names_and_captions_of_their_own(picture: Picture, tmp_path: Path) -> None:
    picture("in/a.jpg", caption="a cat")
    picture("in/a.png")
    picture("in/A.webp")
    built = build(tmp_path / "in", tmp_path / "data/10_cat", trigger="")
    assert contents(built.folder) == ["A.webp", "a-2.jpg", "a-2.txt", "a-3.png", "a-3.txt"]
    assert (built.folder / "a-3.txt").read_text() == "a cat\n"


@pytest.mark.parametrize(
    ("name", "made", "converted"),
    [
        ("a.gif", "a.png", True),
        ("a.tif", "a.png", True),
        ("a.Jpg", "a.jpg", False),
        ("a.JPG", "a.JPG", False),
    ],
)
def test_endings_the_engine_does_not_read(
    picture: Picture, tmp_path: Path, name: str, made: str, converted: bool
) -> None:
    picture(f"in/{name}", (30, 20))
    built = build(tmp_path / "in", tmp_path / "data/10_cat", trigger="")
    assert (contents(built.folder), bool(built.converted)) == ([made], converted)
    with Image.open(built.folder / made) as image:
        assert (image.size, image.mode) == ((30, 20), "RGB")


def test_hidden_files_and_other_kinds_are_left_behind(picture: Picture, tmp_path: Path) -> None:
    picture("in/a.png")
    (tmp_path / "in/._a.png").write_bytes(b"\0\5\x16\7")
    (tmp_path / "in/notes.md").write_text("x")
    (tmp_path / "in/more.png").mkdir()
    assert contents(build(tmp_path / "in", tmp_path / "d/10_cat", trigger="").folder) == ["a.png"]


def test_what_it_builds_the_inventory_reads_without_a_word(picture: Picture, tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "b.Jpg", "c.gif"):
        picture(f"in/{name}")
    build(tmp_path / "in", tmp_path / "data/10_cat", trigger="sks")
    inventory = take(tmp_path / "data", None)
    assert (inventory.images, inventory.captions, inventory.findings) == (4, 4, ())


@pytest.mark.parametrize("folder", ["in", "nowhere"])
def test_no_picture_or_no_folder(tmp_path: Path, folder: str) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(DatasetError, match=r"No picture in|is not a folder"):
        build(tmp_path / folder, tmp_path / "data/10_cat", trigger="")


@pytest.mark.parametrize("broken", ["picture", "caption"])
def test_a_failure_leaves_no_half_built_folder(picture: Picture, tmp_path: Path, broken: str) -> None:
    picture("in/a.png", caption="fine")
    image = picture("in/b.png")
    if broken == "picture":
        image.write_bytes(b"no picture")
    else:
        image.with_suffix(".txt").write_bytes("猫".encode("shift_jis"))
    with pytest.raises(DatasetError, match=r"b\.(png|txt)"):
        build(tmp_path / "in", tmp_path / "data/10_cat", trigger="")
    assert not (tmp_path / "data").exists() or contents(tmp_path / "data") == [".10_cat.lock"]


def test_two_at_once_build_one_after_the_other(picture: Picture, tmp_path: Path) -> None:
    picture("in/a.png")
    target = tmp_path / "data/10_cat"
    with ThreadPoolExecutor(1) as pool:
        with lock.hold(target):
            second = pool.submit(build, tmp_path / "in", target, trigger="")
            assert not wait([second], timeout=0.5).done
            assert not target.exists()
        assert second.result(timeout=30).images == 1


@pytest.mark.parametrize(("wanted", "count", "number"), [("7", 2, 7), ("auto", 30, 10), ("auto", 3, 100)])
def test_repeats_as_asked_or_for_an_epoch_of_300(
    picture: Picture, tmp_path: Path, wanted: str, count: int, number: int
) -> None:
    for index in range(count):
        picture(f"in/{index}.png")
    assert repeats(tmp_path / "in", wanted) == number


# --- pictures that were put into the folder by hand


def completed(tmp_path: Path, trigger: str = "sks") -> int:
    inventory = take(tmp_path / "data", None)
    return complete(inventory.subsets[0], inventory.caption_extension, trigger)


def test_captions_put_in_by_hand_get_the_trigger_where_they_lack_it(picture: Picture, tmp_path: Path) -> None:
    lacking = picture("data/10_cat/a.png").with_suffix(".caption")
    lacking.write_bytes(b"\xef\xbb\xbfa cat")
    having = picture("data/10_cat/b.png").with_suffix(".caption")
    having.write_text("a sks cat")
    none = picture("data/10_cat/c.png").with_suffix(".caption")
    assert completed(tmp_path) == 2
    texts = [path.read_text(encoding="utf-8") for path in (lacking, having, none)]
    assert texts == ["sks, a cat\n", "a sks cat", "sks\n"]
    assert completed(tmp_path) == 0


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_a_linked_caption_of_the_users_stays_as_it_is(picture: Picture, tmp_path: Path, link: str) -> None:
    theirs = picture("photos/a.png", caption="a cat").with_suffix(".txt")
    ours = picture("data/10_cat/a.png").with_suffix(".txt")
    getattr(ours, link)(theirs)
    assert completed(tmp_path) == 1
    assert (theirs.read_text(), ours.read_text()) == ("a cat", "sks, a cat\n")


def test_a_caption_that_two_pictures_share_gets_it_once(picture: Picture, tmp_path: Path) -> None:
    shared = picture("data/10_cat/a.png", caption="a cat").with_suffix(".txt")
    picture("data/10_cat/a.jpg")
    assert completed(tmp_path) == 1
    assert shared.read_text() == "sks, a cat\n"


def test_which_pictures_a_folder_does_not_hold(picture: Picture, tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "b.Jpg", "c.gif"):
        picture(f"in/{name}")
    built = build(tmp_path / "in", tmp_path / "data/10_cat", trigger="").folder
    assert not_taken(tmp_path / "in", built) == []
    new, other = picture("in/d.png"), picture("other/a.jpg", (90, 90))
    assert not_taken(tmp_path / "in", built) == [new]
    assert not_taken(tmp_path / "other", built) == [other]  # of the same name, and another picture
