"""The trigger in captions of pictures that were put into a concept folder by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.dataset.building.completed import complete
from kohya_wrap.dataset.inventory import take
from tests.unit.dataset.conftest import Picture


def completed(tmp_path: Path, trigger: str = "sks") -> int:
    inventory = take(tmp_path / "data", None)
    return complete(inventory.subsets[0], inventory.caption_extension, trigger, tmp_path / "record.json")


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
