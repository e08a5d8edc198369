"""One image is, two images are."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.wording import counted, named, share


@pytest.mark.parametrize(("number", "said"), [(0, "0 images"), (1, "1 image"), (2, "2 images")])
def test_counted(number: int, said: str) -> None:
    assert counted(number, "image") == said


@pytest.mark.parametrize(
    ("number", "of", "said"),
    [(1, 2, "1 of 2 images has"), (2, 2, "2 of 2 images have"), (1, 1, "1 of 1 image has")],
)
def test_share(number: int, of: int, said: str) -> None:
    assert share(number, of, "image", ("has", "have")) == said


@pytest.mark.parametrize(
    ("names", "said"), [("", ""), ("a", "a"), ("abc", "a, b, c"), ("abcde", "a, b, c and 2 more")]
)
def test_named(names: str, said: str) -> None:
    assert named(list(names)) == said
