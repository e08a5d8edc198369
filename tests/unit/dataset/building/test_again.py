"""Built again: only what changed is changed, and what a person did in the folder meanwhile is kept."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.dataset import building
from kohya_wrap.dataset.building import Built, Choices, not_taken
from kohya_wrap.errors import DatasetError
from tests.unit.dataset.building.conftest import Build, contents, place, texts
from tests.unit.dataset.conftest import Picture


def inodes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in folder.iterdir()}


def codes(built: Built) -> list[str]:
    return [finding.code for finding in built.findings]


@pytest.fixture
def three(picture: Picture) -> None:
    """A link, a saved copy, and one without a caption."""
    picture("in/a.png", caption="a cat")
    picture("in/b.gif", (30, 20), caption="a dog")
    picture("in/c.jpg")


def test_nothing_new_keeps_every_file(three: None, build: Build, folder: Path) -> None:
    build(trigger="sks")
    before = inodes(folder)
    built = build(trigger="sks")
    assert inodes(folder) == before
    assert (built.added, built.changed, built.removed, built.unchanged) == (0, 0, 0, 3)
    assert (built.triggers_written, built.findings) == (0, ())


def test_what_is_unchanged_is_not_even_read(
    three: None, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    build()
    for name in ("facts_and_picture_of", "digest"):
        monkeypatch.setattr(f"kohya_wrap.host.image_file.{name}", lambda *_: 1 / 0)
    assert build().unchanged == 3


def test_a_changed_picture_alone_is_made_again(
    three: None, picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    before = inodes(folder)
    (tmp_path / "in/b.gif").unlink()
    picture("in/b.gif", (50, 40), caption="a dog")
    built = build()
    after = inodes(folder)
    assert {name for name in after if after[name] != before[name]} == {"b.png"}
    assert Image.open(folder / "b.png").size == (50, 40)
    assert (built.changed, built.unchanged) == (1, 2)


def test_a_new_picture_does_not_rename_the_others(
    three: None, picture: Picture, build: Build, folder: Path
) -> None:
    build()
    picture("in/0/a.png", (9, 9))  # before in/a.png in the order, and of its name
    assert build().added == 1
    assert contents(folder) == ["a-2.png", "a.png", "a.txt", "b.png", "b.txt", "c.jpg"]
    assert Image.open(folder / "a-2.png").size == (9, 9)


def test_what_left_the_source_leaves_the_folder(
    three: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    (tmp_path / "in/a.png").unlink()
    assert build().removed == 1
    assert contents(folder) == ["b.png", "b.txt", "c.jpg"]


def test_what_was_built_from_another_source_stays(
    three: None, picture: Picture, build: Build, folder: Path
) -> None:
    build()
    picture("more/d.png", (9, 9))
    built = build("more")
    assert (built.images, built.added, built.removed, built.unchanged) == (4, 1, 0, 3)


def test_a_picture_that_was_renamed_or_moved_keeps_its_file(
    three: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    before = inodes(folder)
    (tmp_path / "in/sub").mkdir()
    (tmp_path / "in/a.png").rename(tmp_path / "in/sub/z.png")
    (tmp_path / "in/a.txt").rename(tmp_path / "in/sub/z.txt")
    built = build()
    assert (built.unchanged, built.added, built.removed) == (3, 0, 0)
    assert inodes(folder) == before


def test_a_project_that_was_copied_knows_its_pictures(
    three: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    """On the rented machine nothing is where it was, and nothing is as old."""
    build()
    shutil.copytree(tmp_path / "in", tmp_path / "there", copy_function=shutil.copyfile)
    shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)
    shutil.rmtree(folder)
    (tmp_path / "copy").rename(folder)
    built = build("there")
    assert (built.unchanged, built.added, built.findings) == (3, 0, ())


@pytest.mark.parametrize("lost", [True, False])
def test_pictures_put_in_by_hand_are_kept_with_their_captions(
    three: None, picture: Picture, tmp_path: Path, build: Build, folder: Path, lost: bool
) -> None:
    """Also where the record is lost: the same picture does not stand there twice."""
    build()
    picture("data/10_cat/mine.png", (7, 7), caption="mine")
    (folder / "notes").mkdir()
    (folder / "notes/n.md").write_text("n")
    if lost:
        (tmp_path / "built/cat.json").unlink()
        for name in ("b.png", "b.txt"):  # a saved copy cannot be known by what is in it
            (folder / name).unlink()
    built = build(trigger="sks")
    assert contents(folder) == [
        "a.png",
        "a.txt",
        "b.png",
        "b.txt",
        "c.jpg",
        "c.txt",
        "mine.png",
        "mine.txt",
        "notes",
    ]
    assert texts(folder)["mine.txt"] == "sks, mine\n"
    assert (folder / "notes/n.md").read_text() == "n"
    assert built.images == 4


def test_a_caption_edited_by_hand_is_kept(three: None, build: Build, folder: Path) -> None:
    build()
    (folder / "a.txt").write_text("my cat\n")
    (folder / "c.txt").write_text("my third\n")
    built = build(trigger="sks")
    assert texts(folder) == {"a.txt": "sks, my cat\n", "b.txt": "sks, a dog\n", "c.txt": "sks, my third\n"}
    assert codes(built) == ["caption-edits-kept"]
    assert codes(build(trigger="sks")) == ["caption-edits-kept"]


def test_a_caption_that_changed_in_the_source_is_taken(
    three: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    build(trigger="sks")
    (tmp_path / "in/a.txt").write_text("a red cat")
    built = build(trigger="sks")
    assert texts(folder)["a.txt"] == "sks, a red cat\n"
    assert built.findings == ()


def test_where_both_changed_the_edit_stays_and_that_is_said(
    three: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    (folder / "a.txt").write_text("my cat\n")
    (tmp_path / "in/a.txt").write_text("a red cat")
    built = build()
    assert texts(folder)["a.txt"] == "my cat\n"
    assert codes(built) == ["caption-kept"]
    (folder / "a.txt").unlink()
    build()
    assert texts(folder)["a.txt"] == "a red cat\n"


def test_a_picture_edited_by_hand_is_kept(three: None, build: Build, folder: Path) -> None:
    build()
    for name in ("a.png", "b.png"):
        (folder / name).unlink()  # the link to the source
        Image.new("RGB", (5, 5)).save(folder / name)
    built = build()
    assert codes(built) == ["picture-kept"]
    assert {Image.open(folder / name).size for name in ("a.png", "b.png")} == {(5, 5)}
    assert codes(build()) == ["picture-kept"]


def test_what_was_taken_out_by_hand_comes_back_and_that_is_said(
    three: None, build: Build, folder: Path
) -> None:
    build()
    (folder / "b.png").unlink()
    built = build()
    assert codes(built) == ["put-back"]
    assert (folder / "b.png").is_file()


def test_another_trigger_is_written_beside_the_first(three: None, build: Build, folder: Path) -> None:
    build(trigger="sks")
    build(trigger="xyz")
    assert texts(folder)["a.txt"] == "xyz, a cat\n"


def test_other_choices_make_the_saved_copies_again(
    tmp_path: Path, picture: Picture, build: Build, folder: Path
) -> None:
    Image.new("RGBA", (9, 9)).save(picture("in/a.png"))
    picture("in/b.png")
    build()
    before = inodes(folder)
    build(background="black")
    after = inodes(folder)
    assert {name for name in after if after[name] != before[name]} == {"a.png"}
    assert Image.open(folder / "a.png").getpixel((0, 0)) == (0, 0, 0)


def test_another_number_renames_the_folder(three: None, build: Build, tmp_path: Path, folder: Path) -> None:
    build()
    before = inodes(folder)
    assert build(number=7).folder == tmp_path / "data/7_cat"
    assert inodes(tmp_path / "data/7_cat") == before
    assert not folder.exists()


def test_which_pictures_a_folder_does_not_hold(picture: Picture, tmp_path: Path, build: Build) -> None:
    for number, name in enumerate(("a.png", "a.jpg", "b.Jpg", "c.gif")):
        picture(f"in/{name}", (9, 9 + number))
    build()
    assert not_taken(place(tmp_path), tmp_path / "in") == []
    picture("in/d.png", (80, 80))
    picture("other/a.jpg", (90, 90))  # of the same name, and another picture
    assert not_taken(place(tmp_path), tmp_path / "in") == ["d.png"]
    assert not_taken(place(tmp_path), tmp_path / "other") == ["a.jpg"]
    (tmp_path / "in/b.Jpg").rename(tmp_path / "other/elsewhere.jpg")  # known by what is in it
    assert not_taken(place(tmp_path), tmp_path / "other") == ["a.jpg"]


@pytest.mark.parametrize(("name", "size"), [("10_cat/mine.png", 1 + (1 << 29)), ("10_cat/a.txt", 100_000)])
def test_what_is_too_large_in_the_folder_is_named(
    three: None, tmp_path: Path, build: Build, folder: Path, name: str, size: int
) -> None:
    build()
    (tmp_path / "data" / name).unlink(missing_ok=True)
    with (tmp_path / "data" / name).open("wb") as file:
        file.truncate(size)
    with pytest.raises(DatasetError, match=name) as caught:
        build()
    assert caught.value.hint.startswith(f"rm {tmp_path / 'data' / name}")


def test_a_picture_that_cannot_be_read_is_not_held(three: None, tmp_path: Path, build: Build) -> None:
    build()
    (tmp_path / "in/z.png").symlink_to("nothing")
    assert not_taken(place(tmp_path), tmp_path / "in") == ["z.png"]


def test_a_build_that_began_beside_another_goes_on_in_its_folder(
    three: None, picture: Picture, tmp_path: Path, build: Build
) -> None:
    """With another number, which both were given before either had the lock."""
    picture("more/d.png", (9, 9))
    before = place(tmp_path)
    build(number=3)
    building.build(before, Choices(sources=(str(tmp_path / "more"),)), lambda count: 5)
    assert [path.name for path in (tmp_path / "data").glob("[0-9]*")] == ["5_cat"]
    assert len(list((tmp_path / "data/5_cat").glob("?.[jp][pn]g"))) == 4


def test_a_second_folder_of_the_concept_is_left_and_named(
    three: None, picture: Picture, tmp_path: Path, build: Build
) -> None:
    build(number=5)
    picture("data/10_cat/mine.png", (9, 9))  # stands first in the list
    before = inodes(tmp_path / "data/10_cat")
    built = building.build(place(tmp_path), Choices(sources=(str(tmp_path / "in"),)), lambda count: 5)
    assert (built.folder.name, codes(built)) == ("5_cat", ["second-folder"])
    assert inodes(tmp_path / "data/10_cat") == before
    with pytest.raises(DatasetError, match="10_cat is there already"):
        build(number=10)


def test_files_by_name_leave_those_of_earlier_builds(
    three: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    build("in/a.png", "in/b.gif")
    (folder / "a.txt").write_text("mine\n")
    built = build("in/c.jpg")
    assert (built.images, built.added, built.removed) == (3, 1, 0)
    assert texts(folder) == {"a.txt": "mine\n", "b.txt": "a dog\n"}


def test_a_picture_saved_in_another_format_keeps_name_and_edited_caption(
    three: None, picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    (folder / "c.txt").write_text("mine\n")
    (tmp_path / "in/c.jpg").unlink()
    picture("in/c.png", (11, 11))
    built = build()
    assert contents(folder) == ["a.png", "a.txt", "b.png", "b.txt", "c.png", "c.txt"]
    assert texts(folder)["c.txt"] == "mine\n"
    assert (built.changed, built.added, built.removed) == (1, 0, 0)


def test_what_is_damaged_in_the_source_stays_as_it_stands(
    three: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    (folder / "b.txt").write_text("mine\n")
    (tmp_path / "in/b.gif").write_bytes(b"damaged")
    before = inodes(folder)
    built = build(skip_broken=True)
    assert inodes(folder) == before and texts(folder)["b.txt"] == "mine\n"
    assert (built.images, built.removed) == (3, 0)


def test_an_edited_caption_is_kept_apart_before_its_picture_goes(
    three: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    (folder / "b.txt").write_text("mine\n")
    (tmp_path / "in/a.png").unlink()
    (tmp_path / "in/b.gif").unlink()
    (said,) = build().findings
    (kept,) = (tmp_path / ".kohya-wrap/caption-backups").rglob("*.txt")
    assert (kept.name, kept.read_text()) == ("b.txt", "mine\n")
    assert said.code == "edited-captions-kept-apart" and said.message.startswith("1 edited caption goes with")
    assert str(kept.parents[2]) in said.message


def test_edited_captions_follow_pictures_that_were_renumbered(
    picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    for number in (1, 2, 3):
        picture(f"in/0{number}.png", (9, 9 + number))
    build()
    for number in (1, 2, 3):
        (folder / f"0{number}.txt").write_text(f"{9 + number} high\n")
    (tmp_path / "in/02.png").replace(tmp_path / "in/01.png")
    (tmp_path / "in/03.png").replace(tmp_path / "in/02.png")
    build()
    heights = {path.stem: Image.open(path).height for path in folder.glob("*.png")}
    assert len(heights) == 2
    assert texts(folder) == {f"{stem}.txt": f"{height} high\n" for stem, height in heights.items()}


def test_a_source_that_was_written_over_in_place_is_taken(
    three: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    Image.new("RGB", (5, 5)).save(tmp_path / "new.png")
    with (tmp_path / "in/a.png").open("r+b") as file:  # the file of the link, too
        file.truncate()
        file.write((tmp_path / "new.png").read_bytes())
    built = build()
    assert (built.changed, built.findings) == (1, ())
    assert build().unchanged == 3


@pytest.mark.parametrize("back", [True, False])
def test_a_picture_moved_by_hand_to_or_from_what_is_held_out(
    three: None, tmp_path: Path, build: Build, folder: Path, back: bool
) -> None:
    build(holdout=1)
    held = tmp_path / "held_out/cat"
    source, target = (held, folder) if back else (folder, held)
    for path in list(source.glob("*")):
        if path.stem in ("b", next(held.glob("*")).stem):
            path.rename(target / path.name)
    for _ in range(2):
        built = build(holdout=1)
        assert (built.images, built.held, codes(built)) == (2, 1, [])
        assert sorted(contents(folder) + contents(held)) == ["a.png", "a.txt", "b.png", "b.txt", "c.jpg"]


def test_a_result_that_a_person_saved_in_another_format(three: None, build: Build, folder: Path) -> None:
    build()
    for old, new in (("c.jpg", "c.png"), ("b.png", "b.webp")):
        Image.open(folder / old).save(folder / new)
        (folder / old).unlink()
    for _ in range(2):
        assert codes(build()) == ["picture-kept"]
        assert contents(folder) == ["a.png", "a.txt", "b.txt", "b.webp", "c.png"]


def test_a_copy_by_hand_of_what_is_held_out(three: None, tmp_path: Path, build: Build, folder: Path) -> None:
    build(holdout=1)
    (held,) = (path for path in (tmp_path / "held_out/cat").iterdir() if path.suffix != ".txt")
    shutil.copy(held, folder)
    for _ in range(2):
        built = build(holdout=1)
        assert built.images + built.held == 4


def test_two_pictures_by_hand_that_share_a_caption(
    three: None, picture: Picture, build: Build, folder: Path
) -> None:
    build()
    picture("data/10_cat/mine.png", (7, 7), caption="mine")
    picture("data/10_cat/mine.jpg", (8, 8))
    for _ in range(2):
        assert build().images == 5
    assert texts(folder)["mine.txt"] == "mine"


def test_captions_come_along_where_the_config_says_another_extension(
    three: None, picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    (folder / "a.txt").write_text("mine\n")
    picture("data/10_cat/hand.png", (7, 7), caption="by hand")
    there = replace(place(tmp_path), extension=".caption")
    choices = Choices(sources=(str(tmp_path / "in"),))
    for _ in range(2):
        assert codes(building.build(there, choices, lambda count: 10)) == ["caption-edits-kept"]
        assert texts(folder) == {}
        said = {path.name: path.read_text().strip() for path in folder.glob("*.caption")}
        assert said == {"a.caption": "mine", "b.caption": "a dog", "hand.caption": "by hand"}


@pytest.mark.parametrize("is_held", [True, False])
def test_a_picture_edited_by_hand_outlives_its_source(
    three: None, tmp_path: Path, build: Build, folder: Path, is_held: bool
) -> None:
    build(holdout=1)
    (held,) = (tmp_path / "held_out/cat").glob("*.png")
    path = held if is_held else folder / "a.png"
    path.unlink()
    Image.new("RGB", (50, 50), "red").save(path)
    mine = path.read_bytes()
    next((tmp_path / "in").glob(f"{path.stem}.[gp]*")).unlink()
    built = build(holdout=1)
    (said,) = (found for found in built.findings if found.code == "edited-picture-stays")
    assert said.message.endswith(f"as if put in by hand: {'held_out/' * is_held}{path.name}.")
    for _ in range(2):
        assert path.read_bytes() == mine
        assert "edited-picture-stays" not in codes(build(holdout=1))


def test_a_source_that_lost_its_caption_has_no_new_one(
    three: None, build: Build, folder: Path, tmp_path: Path
) -> None:
    build()
    (folder / "a.txt").write_text("a cat, edited")
    (tmp_path / "in/a.txt").unlink()
    built = build()
    assert "caption-kept" not in codes(built) and "caption-edits-kept" in codes(built)
    assert texts(folder)["a.txt"] == "a cat, edited"
