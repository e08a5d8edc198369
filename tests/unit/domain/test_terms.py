"""What captions say, and how often."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.captions import CaptionStyle
from kohya_wrap.domain.terms import frequencies


def counted(captions: list[str], style: CaptionStyle, trigger: str = "") -> dict[str, int]:
    named = {str(number): caption for number, caption in enumerate(captions)}
    return {term.text: term.captions for term in frequencies(named, style, trigger)}


def test_a_tag_counts_once_a_caption_however_it_is_spelled() -> None:
    captions = ["Long_Hair, smile, long hair", "long  hair", "smile"]
    assert counted(captions, CaptionStyle.TAGS) == {"long hair": 2, "smile": 2}


def test_the_trigger_is_no_term_wherever_it_stands() -> None:
    captions = ["sks cat, a sofa", "a photo of sks cat on a sofa"]
    terms = counted(captions, CaptionStyle.PROSE, "sks cat")
    assert terms == {"sofa": 2, "photo": 1}


def test_of_prose_the_longest_phrase_counts_in_place_of_its_words() -> None:
    captions = ["a girl in a red scarf", "the red scarf of a boy", "a red scarf, a red car"]
    terms = counted(captions, CaptionStyle.PROSE)
    assert terms["red scarf"] == 3 and "scarf" not in terms and "red" not in terms
    assert terms["red car"] == 1
    assert not {"in a red", "a red", "the red", "scarf a red"} & terms.keys()


def test_japanese_clauses_are_terms() -> None:
    captions = ["青い髪の女の子、微笑み", "青い髪の女の子、立っている"]
    assert counted(captions, CaptionStyle.PROSE)["青い髪の女の子"] == 2


@pytest.mark.parametrize(
    ("captions", "expected"), [(["t, a, b", "t, a", "b"], 1.0), (["t, b", "t, a", "a"], 0.5)]
)
def test_the_share_of_captions_with_the_trigger_that_have_the_term(
    captions: list[str], expected: float
) -> None:
    named = {str(number): caption for number, caption in enumerate(captions)}
    (term,) = [term for term in frequencies(named, CaptionStyle.TAGS, "t") if term.text == "a"]
    assert term.given_trigger == expected
    assert term.share == pytest.approx(2 / 3)


def test_without_the_trigger_in_any_caption_there_is_no_such_share() -> None:
    (term,) = frequencies({"1": "a", "2": "a"}, CaptionStyle.TAGS, "t")
    assert term.given_trigger is None


def test_rare_terms_are_left_out_of_many_captions() -> None:
    captions = [f"common, tag {number}" for number in range(100)]
    assert counted(captions, CaptionStyle.TAGS) == {"common": 100}
    assert list(counted([f"common word {number}" for number in range(100)], CaptionStyle.PROSE)) == [
        "common word"
    ]
