"""Pictures set aside: the same ones each time, spread over the set, never trained on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kohya_wrap.dataset.building.holdout import choose
from kohya_wrap.errors import DatasetError
from tests.unit.dataset.building.conftest import Build, contents
from tests.unit.dataset.conftest import Picture

HUNDRED = [f"{number * 7919 % 10007:05}" for number in range(100)]


def test_they_are_spread_over_the_set() -> None:
    held = choose(HUNDRED, (), 5)
    places = sorted(place for place, digest in enumerate(HUNDRED) if digest in held)
    assert len(places) == 5
    assert max(b - a for a, b in zip([0, *places], [*places, 100], strict=True)) <= 45


def test_by_what_is_in_them_and_not_by_chance() -> None:
    assert choose(HUNDRED, (), 5) == choose(HUNDRED, (), 5)


def test_what_was_held_out_stays_so_and_more_joins_it() -> None:
    few = choose(HUNDRED, (), 3)
    assert few < choose(["new", *HUNDRED, "newer"], few, 6)
    assert choose(HUNDRED, few, 2) == few


def test_copies_go_together() -> None:
    assert choose(["a", "a", "b"], (), 2) == {"a", "b"}


@pytest.fixture
def ten(picture: Picture) -> None:
    for number in range(10):
        picture(f"in/{number}.png", (10 + number, 10), caption=str(number))


def test_they_lie_beside_with_their_captions(ten: None, tmp_path: Path, build: Build, folder: Path) -> None:
    built = build(holdout=2)
    held = contents(tmp_path / "held_out/cat")
    assert (built.images, built.held, len(held)) == (8, 2, 4)
    assert sorted([*held, *contents(folder)]) == sorted(f"{n}.{e}" for n in range(10) for e in ("png", "txt"))


def test_a_copy_of_a_held_one_is_not_trained_on(
    ten: None, picture: Picture, tmp_path: Path, build: Build
) -> None:
    build(holdout=1)
    (held,) = [name for name in contents(tmp_path / "held_out/cat") if name.endswith(".png")]
    (tmp_path / "in/copy.png").write_bytes((tmp_path / "in" / held).read_bytes())
    assert build(holdout=1).images == 9
    assert "copy.png" in contents(tmp_path / "held_out/cat")


def test_a_new_picture_does_not_change_who_is_held_out(
    ten: None, picture: Picture, tmp_path: Path, build: Build
) -> None:
    build(holdout=3)
    before = contents(tmp_path / "held_out/cat")
    picture("in/00.png", (99, 99))
    build(holdout=3)
    assert contents(tmp_path / "held_out/cat") == before


def test_none_held_out_any_more_are_trained_on_with_their_edits(
    ten: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    build(holdout=1)
    (caption,) = (tmp_path / "held_out/cat").glob("*.txt")
    caption.write_text("mine\n")
    inode = caption.with_suffix(".png").stat().st_ino
    assert build().images == 10
    assert not (tmp_path / "held_out/cat").exists()
    assert (folder / caption.name).read_text() == "mine\n"
    assert (folder / caption.name).with_suffix(".png").stat().st_ino == inode


def test_fewer_are_held_out_when_that_is_asked(ten: None, tmp_path: Path, build: Build) -> None:
    build(holdout=3)
    before = {*contents(tmp_path / "held_out/cat")}
    assert build(holdout=2).images == 8
    assert {*contents(tmp_path / "held_out/cat")} < before


@pytest.mark.parametrize("first", [50, 76])
def test_what_is_put_there_by_hand_stays_there_and_takes_nobody_s_place(
    ten: None, picture: Picture, tmp_path: Path, build: Build, folder: Path, first: int
) -> None:
    build(holdout=2)
    before = {*contents(tmp_path / "held_out/cat")}
    for number in range(3):
        picture(f"held_out/cat/own{number}.png", (first + number, 10))
    assert build(holdout=2).held == 5
    assert before < {*contents(tmp_path / "held_out/cat")}
    for holdout in (0, 1):
        assert build(holdout=holdout).held == 3
        assert contents(tmp_path / "held_out/cat") == ["own0.png", "own1.png", "own2.png"]


def test_a_picture_that_a_person_sets_aside_stays_there(
    ten: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    (tmp_path / "held_out/cat").mkdir(parents=True)
    for name in ("4.png", "4.txt"):
        (folder / name).rename(tmp_path / "held_out/cat" / name)
    for _ in range(2):
        built = build()
        assert (built.images, built.held) == (9, 1)
        assert sorted(contents(tmp_path / "held_out/cat")) == ["4.png", "4.txt"]


def test_a_copy_that_a_person_sets_aside_takes_the_picture_with_it(
    ten: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    (tmp_path / "held_out/cat").mkdir(parents=True)
    shutil.copy(folder / "4.png", tmp_path / "held_out/cat")
    (tmp_path / "held_out/cat/4.txt").write_text("mine\n")
    for _ in range(2):
        built = build()
        assert (built.images, built.held) == (9, 2)
        captions = (path.read_text() for path in (tmp_path / "held_out/cat").glob("*.txt"))
        assert sorted(captions) == ["4\n", "mine\n"]


@pytest.mark.parametrize("count", [10, 11])
def test_something_must_be_left(ten: None, build: Build, count: int) -> None:
    with pytest.raises(DatasetError, match=f"--holdout {count} leaves nothing of 10 pictures"):
        build(holdout=count)


def test_the_most_that_can_be_held_out_is_said_of_those_that_differ(
    ten: None, tmp_path: Path, build: Build
) -> None:
    for number in range(3):
        shutil.copy(tmp_path / "in/4.png", tmp_path / f"in/copy{number}.png")
    with pytest.raises(DatasetError) as refused:
        build(holdout=13)
    assert refused.value.hint.startswith("--holdout 9 ")
    with pytest.raises(DatasetError):
        build(holdout=10)
    assert build(holdout=9).images


def test_where_all_were_set_aside_by_hand_none_is_asked_for_less(
    ten: None, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    (tmp_path / "held_out").mkdir()
    folder.rename(tmp_path / "held_out/cat")
    with pytest.raises(DatasetError) as refused:
        build()
    assert refused.value.hint == "Move some of them out of held_out/."
