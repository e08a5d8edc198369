"""What a picture is called in the concept folder."""

from __future__ import annotations

import unicodedata

import pytest

from kohya_wrap.dataset.building.names import Names


def test_each_name_once_whatever_its_capitals() -> None:
    names = Names(["B"])
    assert [names.free(stem) for stem in ("a", "A", "a", "b", "a-2")] == ["a", "A-2", "a-3", "b-2", "a-2-2"]


@pytest.mark.parametrize(
    ("stem", "name"),
    [("猫 と 犬", "猫 と 犬"), (unicodedata.normalize("NFD", "が"), "が"), ("a\nb", "a_b"), ("a\udcffb", "a_b"),
     ("a:b?", "a_b_"), ("...", "picture"), ("a. ", "a"), ("x" * 300, "x" * 200), ("猫" * 100, "猫" * 66)],
)  # fmt: skip
def test_names_are_safe_for_whoever_reads_them(stem: str, name: str) -> None:
    assert Names().free(stem) == name
