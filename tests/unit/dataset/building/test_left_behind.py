"""Captions that their pictures left behind in the folder, and whatever else a person keeps there: nothing is written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.dataset.building.conftest import Build, contents, texts
from tests.unit.dataset.building.test_again import codes
from tests.unit.dataset.conftest import Picture


@pytest.fixture
def held(tmp_path: Path) -> Path:
    return tmp_path / "held_out/cat"


@pytest.fixture
def four(picture: Picture) -> None:
    for number in range(4):
        picture(f"in/{number}.png", (10 + number, 10), caption=f"caption {number}")


def test_a_caption_follows_a_picture_that_was_moved_without_it(
    four: None, held: Path, build: Build, folder: Path
) -> None:
    build(holdout=1)
    (moved,) = held.glob("*.png")
    (held / f"{moved.stem}.txt").write_text("mine\n")
    moved.rename(folder / moved.name)
    build(holdout=0)
    assert texts(folder)[f"{moved.stem}.txt"] == "mine\n"
    assert not held.exists()


def test_a_caption_that_was_moved_with_its_picture_and_not_renamed_with_it(
    four: None, held: Path, build: Build, folder: Path
) -> None:
    build(holdout=1)
    (moved,) = held.glob("*.png")
    (held / f"{moved.stem}.txt").unlink()
    (folder / f"{moved.stem}.txt").write_text("mine\n")
    moved.rename(folder / "renamed.png")
    build(holdout=0)
    assert texts(folder)["renamed.txt"] == "mine\n"


def test_the_caption_of_whatever_has_its_name_now_is_not_that_of_a_renamed_one(
    four: None, picture: Picture, build: Build, folder: Path
) -> None:
    build()
    (folder / "1.png").rename(folder / "renamed.png")
    picture("data/10_cat/1.jpg", (50, 10), caption="mine")
    build()
    assert texts(folder)["1.txt"].strip() == "mine"
    assert texts(folder)["renamed.txt"] == "caption 1\n"


def test_an_edited_caption_is_not_written_over_by_one_left_behind(
    four: None, held: Path, build: Build, folder: Path
) -> None:
    build(trigger="sks", holdout=1)
    (moved,) = held.glob("*.png")
    caption = f"{moved.stem}.txt"
    moved.rename(folder / moved.name)
    (folder / caption).write_text("sks, mine\n")  # so that the one in held_out is nobody's
    build(trigger="sks", holdout=0)
    assert texts(held) == {caption: f"sks, caption {moved.stem}\n"}
    built = build(trigger="sks", holdout=1)
    assert texts(held) == {caption: "sks, mine\n", f"{moved.stem}-2.txt": f"sks, caption {moved.stem}\n"}
    assert "called-otherwise" in codes(built)


def test_what_has_the_name_of_a_caption_gets_another_and_that_is_said(
    four: None, held: Path, build: Build, folder: Path
) -> None:
    build(holdout=0)
    held.mkdir(parents=True)
    for number in range(4):
        (held / f"{number}.txt").write_text("nobody's\n")
    built = build(holdout=1)
    (one,) = held.glob("*.png")
    assert texts(held)[f"{one.stem}.txt"] == f"caption {one.stem}\n"
    assert texts(held)[f"{one.stem}-2.txt"] == "nobody's\n"
    assert codes(built) == ["called-otherwise"]
    assert f"cat/{one.stem}.txt is {one.stem}-2.txt now" in built.findings[0].message
    assert build(holdout=1).findings == ()


def test_a_caption_of_nobody_does_not_become_that_of_a_picture_without_one(
    picture: Picture, held: Path, build: Build
) -> None:
    for number in range(2):
        picture(f"in/{number}.png", (10 + number, 10))
    build()
    held.mkdir(parents=True)
    for number in range(2):
        (held / f"{number}.txt").write_text("nobody's\n")
    build(holdout=1)
    (one,) = held.glob("*.png")
    assert f"{one.stem}.txt" not in contents(held) and f"{one.stem}-2.txt" in contents(held)


def test_what_gets_another_name_gets_that_of_no_picture_s_caption(
    picture: Picture, held: Path, build: Build
) -> None:
    for number, name in enumerate(("1", "1-2", "left")):
        picture(f"in/{name}.png", (10 + number, 10))
    build()
    held.mkdir(parents=True)
    (held / "1.txt").write_text("nobody's\n")
    build(holdout=2)
    assert contents(held) == ["1-2.png", "1-3.txt", "1.png"]


def test_two_that_shared_a_caption_have_one_each(
    four: None, picture: Picture, build: Build, folder: Path
) -> None:
    """Whoever writes into one of them in place means that one."""
    build()
    (folder / "1.txt").write_text("mine\n")
    picture("data/10_cat/1.jpg", (50, 10))
    build()
    assert texts(folder)["1.txt"] == texts(folder)["1-2.txt"] == "mine\n"
    assert not (folder / "1.txt").samefile(folder / "1-2.txt")


def test_a_folder_with_the_name_of_a_picture(four: None, held: Path, build: Build) -> None:
    build()
    for number in range(4):
        (held / f"{number}.png").mkdir(parents=True)
        (held / f"{number}.png/note").write_text("precious")
    build(holdout=1)
    assert len(list(held.rglob("note"))) == 4
