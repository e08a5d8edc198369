"""Another trigger than the last time, in captions that a person has changed since: the former one gives way, their words stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.dataset.building.completed import complete
from kohya_wrap.dataset.inventory import take
from tests.unit.dataset.building.conftest import Build, place, texts
from tests.unit.dataset.conftest import Picture


def init(tmp_path: Path, trigger: str) -> None:
    """As `init` does with a folder that is there."""
    complete(take(tmp_path / "data", ".txt").subsets[0], ".txt", trigger, place(tmp_path).record)


@pytest.mark.parametrize(
    ("edited", "text"),
    [
        ("my own words, aaa cat", "my own words, ccc"),
        ("aaa cat, my own words", "ccc, my own words"),
        ("aaa cat", "ccc"),
        ("an aaa cat in the rain", "ccc, an aaa cat in the rain"),  # theirs: a sentence needs its words
        ("my own words", "ccc, my own words"),
    ],
)
def test_triggers_do_not_pile_up(
    picture: Picture, tmp_path: Path, build: Build, folder: Path, edited: str, text: str
) -> None:
    picture("in/a.png", caption="a photo")
    build(trigger="aaa cat")
    (folder / "a.txt").write_text(edited)
    init(tmp_path, "bbb dog")
    build(trigger="ccc")
    build(trigger="ccc")
    assert texts(folder) == {"a.txt": f"{text}\n"}


@pytest.mark.parametrize("trigger", ["aaa cat, photo", "aaa cat"])
def test_without_a_trigger_the_former_one_goes(
    picture: Picture, build: Build, folder: Path, trigger: str
) -> None:
    picture("in/a.png", caption="a picture")
    build(trigger=trigger)
    (folder / "a.txt").write_text(f"{trigger}, my own words")
    build()
    assert texts(folder) == {"a.txt": "my own words\n"}


def test_what_the_source_says_itself_is_no_trigger_of_ours(
    picture: Picture, build: Build, folder: Path
) -> None:
    picture("in/a.png", caption="cat, black")
    build(trigger="cat")
    (folder / "a.txt").write_text("cat, white")
    build(trigger="sks")
    build(trigger="xyz")
    assert texts(folder) == {"a.txt": "xyz, cat, white\n"}


def test_captions_put_in_by_hand(picture: Picture, tmp_path: Path, build: Build, folder: Path) -> None:
    picture("in/a.png", caption="a cat")
    build()
    picture("data/10_cat/mine.png", (7, 7), caption="mine")
    for trigger in ("one", "two", "three"):
        build(trigger=trigger)
    init(tmp_path, "four")
    assert texts(folder) == {"a.txt": "four, a cat\n", "mine.txt": "four, mine\n"}


def test_a_folder_that_was_never_built(picture: Picture, tmp_path: Path, folder: Path) -> None:
    picture("data/10_cat/a.png", caption="a cat")
    for trigger in ("one", "two", "three"):
        init(tmp_path, trigger)
    assert texts(folder) == {"a.txt": "three, a cat\n"}


def test_what_was_held_out_while_the_others_got_another(
    picture: Picture, tmp_path: Path, build: Build
) -> None:
    """`init` does not look at what is held out, so its trigger is older than that of the others."""
    for number, name in enumerate("abc"):
        picture(f"in/{name}.png", (9 + number, 9), caption="a photo")
    build(trigger="one", holdout=1)
    (held,) = (tmp_path / "held_out/cat").glob("*.txt")
    held.write_text("one, my own words")
    init(tmp_path, "two")
    build(trigger="three", holdout=1)
    assert held.read_text() == "three, my own words\n"
