"""Which of those that stand a changed picture is, by prints that are made up: how near two of them are is told here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from kohya_wrap.dataset.building import matching
from kohya_wrap.dataset.building.matching import Matches
from kohya_wrap.dataset.building.picture import Looked
from kohya_wrap.dataset.building.record import Entry
from kohya_wrap.dataset.building.sources import Item
from kohya_wrap.dataset.building.standing import Standing, Stood
from kohya_wrap.domain.dataset import ImageFacts
from kohya_wrap.domain.likeness import Print

ROOT = "/in"


def shows(bits: int, colour: int = 100) -> Print:
    """Of a shape that is so many bits from none, in one colour, of 255."""
    return Print((1 << bits) - 1, bytes([colour]) * 192)


FAR = Print(0xFFFF0000FFFF0000, bytes(192))


def stands(name: str, likeness: Print, path: str = "x") -> Standing:
    """Built from in/`name`, whose content has changed since."""
    entry = Entry(
        name, f"{ROOT}/{name}", (1, 1), f"was {name}", (1, 1), f"was {name}", "", (), "", "", False,
        likeness.as_text(),
    )  # fmt: skip
    return Standing(entry, Path(path) if path else None, False, None, None)


def matched(new: Mapping[str, Print | str], *standing: Standing) -> Matches:
    """By what the sources hold now: prints of what is new, digests of what is not."""
    items, looked = {}, {}
    for name, shown in new.items():
        origin = f"{ROOT}/{name}"
        items[origin] = Item(PurePosixPath(name), origin, (2, 2), bytes, None)
        digest, likeness = (shown, None) if isinstance(shown, str) else (f"is {name}", shown)
        looked[origin] = Looked(ImageFacts((8, 8), "JPEG", frozenset(), digest), (), likeness)
    stood = Stood(standing, {False: (), True: ()}, 0)
    return matching.match(items, looked, stood, (ROOT,))


def names(found: Matches) -> dict[str, str]:
    """Of the sources' pictures, which stand they are."""
    return {Path(origin).name: one.entry.name for origin, one in found.standing.items()}


def test_of_two_with_one_shape_the_colours_tell_which_is_which() -> None:
    new = {"x.jpg": shows(0, 102), "y.jpg": shows(0, 202)}
    assert names(matched(new, stands("a.jpg", shows(0, 200)), stands("b.jpg", shows(0, 100)))) == {
        "x.jpg": "b.jpg", "y.jpg": "a.jpg",
    }  # fmt: skip


def test_the_nearest_comes_first() -> None:
    new = {"x.jpg": shows(0, 102), "y.jpg": shows(0, 105)}
    found = matched(new, stands("a.jpg", shows(0, 104)), stands("b.jpg", shows(0, 101)))
    assert names(found) == {"x.jpg": "b.jpg", "y.jpg": "a.jpg"}


@pytest.mark.parametrize(("of_the_neighbour", "is_neighbour"), [(3, False), (1, True)])
def test_one_that_was_retouched_is_not_taken_for_its_neighbour(
    of_the_neighbour: int, is_neighbour: bool
) -> None:
    """It is four shades from what it was; who comes from another place must be clearly nearer."""
    neighbour = stands("b.jpg", shows(0, 104 - of_the_neighbour))
    found = matched({"a.jpg": shows(0, 104)}, stands("a.jpg", shows(0)), neighbour)
    assert names(found) == {"a.jpg": "b.jpg" if is_neighbour else "a.jpg"}


@pytest.mark.parametrize(("own", "is_neighbour"), [(114, True), (113, False)])
def test_of_what_is_doubtful_either_way_the_place_decides_where_none_is_clearly_nearer(
    own: int, is_neighbour: bool
) -> None:
    standing = (stands("a.jpg", shows(0, own)), stands("b.jpg", shows(0, 94)))  # six shades from it
    assert names(matched({"a.jpg": shows(0)}, *standing)) == {"a.jpg": "b.jpg" if is_neighbour else "a.jpg"}


def test_of_those_that_are_as_near_it_is_that_of_the_same_place() -> None:
    new = {name: shows(1) for name in ("a.jpg", "b.jpg", "c.png")}
    found = matched(new, *(stands(name, shows(0)) for name in ("c.jpg", "b.jpg", "a.jpg")))
    assert names(found) == {"a.jpg": "a.jpg", "b.jpg": "b.jpg", "c.png": "c.jpg"}


def test_the_same_place_in_another_format_breaks_a_tie() -> None:
    found = matched({"c.png": shows(0, 101)}, stands("c.jpg", shows(0)), stands("d.jpg", shows(0, 101)))
    assert names(found) == {"c.png": "c.jpg"}


def test_of_those_that_are_as_near_one_is_taken_and_it_is_doubtful() -> None:
    both = (stands("a.jpg", shows(0)), stands("b.jpg", shows(0)))
    for found in (
        matched({"x.jpg": shows(1)}, *both),
        matched({"x.jpg": shows(1), "y.jpg": shows(1)}, both[0]),
    ):
        assert (names(found), found.doubtful) == ({"x.jpg": "a.jpg"}, {f"{ROOT}/x.jpg"})


@pytest.mark.parametrize(
    ("colour", "others", "is_clear"),
    [(105, (), True), (106, (), False), (102, (109,), True), (102, (107,), False), (102, (97,), False)],
)
def test_it_is_clear_where_it_was_saved_anew_and_no_other_is_nearly_as_near(
    colour: int, others: tuple[int, ...], is_clear: bool
) -> None:
    rivals = [stands(f"{other}.jpg", shows(0, other)) for other in others]
    found = matched({"x.jpg": shows(0, colour)}, stands("a.jpg", shows(0)), *rivals)
    assert names(found) == {"x.jpg": "a.jpg"}
    assert (not found.doubtful) == is_clear


def test_what_is_known_by_its_shape_alone_is_doubtful() -> None:
    found = matched(
        {"x.jpg": shows(1, 200), "y.jpg": FAR}, stands("a.jpg", shows(0, 100)), stands("y.jpg", FAR)
    )
    assert (names(found), found.doubtful) == ({"x.jpg": "a.jpg", "y.jpg": "y.jpg"}, {f"{ROOT}/x.jpg"})


def test_one_whose_picture_is_still_in_the_source_goes_to_no_other_format_of_it() -> None:
    """a.jpg has what b.jpg had, so nothing has what a.jpg was built from; a.png is new."""
    new: dict[str, Print | str] = {"a.jpg": "was b.jpg", "a.png": FAR}
    found = matched(new, stands("a.jpg", shows(0)), stands("b.jpg", shows(20)))
    assert names(found) == {"a.jpg": "b.jpg"}


@pytest.mark.parametrize("path", ["x", ""])
def test_saved_in_another_format_it_is_known_where_it_still_stands(path: str) -> None:
    found = matched({"a.png": FAR}, stands("a.jpg", shows(0), path))
    assert names(found) == ({"a.png": "a.jpg"} if path else {})
