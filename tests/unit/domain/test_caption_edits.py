"""Edits change the tags that were asked for and not a character beside them."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.caption_edits import Edits, tags_of


@pytest.mark.parametrize(
    ("text", "remove", "left"),
    [
        ("cat, solo, sitting", "solo", "cat, sitting"),
        ("solo, cat", "solo", "cat"),
        ("cat, solo", "solo", "cat"),
        ("cat,solo ,  sitting", "solo", "cat,  sitting"),
        ("cat, Long_Hair, sitting\n", "long hair", "cat, sitting\n"),
        ("cat, long  hair", "long_hair", "cat"),
        ("solo", "solo", ""),
        ("a solo cat, solo", "solo", "a solo cat"),  # within a sentence it is no tag
        ("cat, solo_focus", "solo", "cat, solo_focus"),
        ("cat, ^_^", "^_^", "cat"),
        ("cat,, sitting,", "solo", "cat,, sitting,"),  # the user's own commas
    ],
)
def test_remove(text: str, remove: str, left: str) -> None:
    assert Edits(remove=(remove,)).apply(text) == left


@pytest.mark.parametrize(
    ("text", "old", "new", "becomes"),
    [
        ("a, kitten, b", "kitten", "cat", "a, cat, b"),
        ("kitten,b", "kitten", "cat", "cat,b"),
        ("kitten, cat", "kitten", "cat", "cat"),  # it stands there already
        ("kitten, b, kitten", "kitten", "cat", "cat, b"),
        ("a, long_hair", "long hair", "Long Hair", "a, Long Hair"),
        ("a, kitten", "kitten", "", "a"),
        ("a kitten", "kitten", "cat", "a kitten"),
    ],
)
def test_replace(text: str, old: str, new: str, becomes: str) -> None:
    assert Edits(replace=((old, new),)).apply(text) == becomes


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("a, b, A, b ,c", "a, b,c"),
        ("a, b", "a, b"),
        ("a,,b,", "a,,b,"),
        ("long_hair, long hair", "long_hair"),
    ],
)
def test_dedupe(text: str, becomes: str) -> None:
    assert Edits(dedupe=True).apply(text) == becomes


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("a cat", "sks cat, a cat"),
        ("sks cat, sitting", "sks cat, sitting"),
        ("SKS Cat, sitting", "SKS Cat, sitting"),
        ("sitting, sks cat, blue", "sks cat, sitting, blue"),  # moved to the front
        ("a photo of sks cat", "a photo of sks cat"),
        ("sks cats", "sks cat, sks cats"),  # another word
        ("", "sks cat"),
        ("a\n", "sks cat, a\n"),
        ("\nnotes", "sks cat\nsks cat, notes"),  # the engine reads the first line, empty as it is
        ("a\nb\n", "sks cat, a\nsks cat, b\n"),  # wildcards: one is drawn
    ],
)
def test_prefix(text: str, becomes: str) -> None:
    edits = Edits(prefix="sks cat")
    assert edits.apply(text) == becomes
    assert edits.apply(becomes) == becomes  # twice is once


def test_all_together_in_their_order() -> None:
    edits = Edits(replace=(("kitten", "cat"), ("cat", "sks")), remove=("solo",), dedupe=True, prefix="x")
    assert edits.apply("solo, kitten, b, b") == "x, sks, b"


def test_no_edit_is_false_and_changes_nothing() -> None:
    assert not Edits()
    assert Edits().apply(" a ,b,\n\n c") == " a ,b,\n\n c"
    assert Edits(dedupe=True) and Edits(prefix="x") and Edits(remove=("a",)) and Edits(replace=(("a", "b"),))


def test_the_tags_of_all_lines() -> None:
    assert list(tags_of("a, b c,\n\nd")) == ["a", "b c", "d"]
