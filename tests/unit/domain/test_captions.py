"""Lists of tags or sentences: captions as people and taggers write them."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.captions import CaptionStyle, no_trigger, style_of

TAGS = [
    "1girl, solo, long hair, blue eyes, school uniform, looking at viewer",
    "sks cat, 1girl, smile",
    "sks_style, scenery, outdoors, sky, cloud, tree, no humans",
    "score_9, score_8_up, 1boy, hair between eyes, from below",
    "1girl,solo,long hair",
    "mycat, sitting on a sofa, window, white fur, green eyes",  # one clause among tags
]
PROSE = [
    "a photo of Sarah Miller with short brown hair and green eyes, wearing a blue sweater",
    "skimage photo, a tabby cat looking aside",
    "sks cat, skimage photo, a tabby cat looking aside",
    "a cup of coffee on a wooden table",
    "A digital painting in a glowing fantasy style, with luminous mushrooms in a dark forest, detailed lines, vivid purple",
    "短い茶色の髪と緑の目を持つ女性、Sarah Millerの写真、青いセーターを着ている",
    "発光するファンタジースタイルのデジタルペインティング、暗い森の中、鮮やかな紫",
    "mycat",
    "sks cat, cat",  # nothing to shuffle
    "1girl, solo, long hair, a girl stands at the window of a train and looks out at the rain over the sea",
]


@pytest.mark.parametrize("caption", TAGS)
def test_tags(caption: str) -> None:
    assert style_of([caption]) is CaptionStyle.TAGS


@pytest.mark.parametrize("caption", PROSE)
def test_prose(caption: str) -> None:
    assert style_of([caption]) is CaptionStyle.PROSE


def test_most_captions_decide() -> None:
    assert style_of([*TAGS[:3], *PROSE[:2]]) is CaptionStyle.TAGS
    assert style_of([*TAGS[:2], *PROSE[:3]]) is CaptionStyle.PROSE
    assert style_of([*TAGS[:2], *PROSE[:2]]) is CaptionStyle.PROSE  # a shuffled sentence is the worse mistake


@pytest.mark.parametrize("captions", [[], ["", " \n"]])
def test_no_captions_say_nothing(captions: list[str]) -> None:
    assert style_of(captions) is None


def test_empty_captions_do_not_count() -> None:
    assert style_of(["", "", "", TAGS[0]]) is CaptionStyle.TAGS


@pytest.mark.parametrize(
    ("words", "wrong"),
    [("", ""), ("sks cat", ""), ("銀髪\u3000少女", ""), ("sks\ncat", "holds"), ("sks\tcat", "holds"), ("a\u2028b", "holds"),
     ("\udcff", "holds"), ("  ", "is nothing")],
)  # fmt: skip
def test_what_cannot_be_a_trigger(words: str, wrong: str) -> None:
    said = no_trigger(words)
    assert (said.startswith(wrong), bool(said)) == (True, bool(wrong))
