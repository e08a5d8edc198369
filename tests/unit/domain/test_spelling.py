"""Misspellings of the trigger."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.spelling import edits, near_miss


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ("", "", 0),
        ("a", "", 1),
        ("kitten", "sitting", 3),
        ("mychar", "mycahr", 1),
        ("same", "same", 0),
        ("ab", "ba", 1),
    ],
)
def test_edits(one: str, other: str, count: int) -> None:
    assert edits(one, other) == edits(other, one) == count


@pytest.mark.parametrize(
    ("caption", "trigger", "found"),
    [
        ("sksperso, smile", "sksperson", "sksperso"),
        ("a photo of Sksperzon.", "sksperson", "Sksperzon"),
        ("my cat on a sofa", "mycat", "my cat"),  # a space too many
        ("skimagephoto of a cat", "skimage photo", "skimagephoto"),  # one missing
        ("skimage fhoto, a cat", "skimage photo", "skimage fhoto"),
        ("a cat on a sofa", "mycat", None),
        ("sky and sea", "sks", None),  # of three letters all words come near
        ("a mychair", "mychar", "mychair"),
        ("a mychar", "mychar", None),  # that is it
        ("", "mychar", None),
    ],
)
def test_what_is_nearly_the_trigger_is_found_as_it_is_written(
    caption: str, trigger: str, found: str | None
) -> None:
    assert near_miss(caption, trigger) == found


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [("sks cta", "sks cat", 1), ("ab", "ba", 1), ("abc", "cab", 2), ("", "ab", 2), ("a", "a", 0)],
)
def test_neighbours_that_are_swapped_are_one_edit(one: str, other: str, apart: int) -> None:
    assert edits(one, other) == edits(other, one) == apart
