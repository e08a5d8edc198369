"""How captions are written: lists of tags, whose order means nothing, or sentences."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum

# A tag is short: "1girl", "long hair", "hair between eyes". A clause between commas rarely is.
_WORDS_OF_A_TAG = 3
_FEWEST_TAGS = 3

_CONTROL = ("Cc", "Cs", "Zl", "Zp")  # Unicode's categories: ends of lines among them, spaces of any width not


class CaptionStyle(str, Enum):
    TAGS = "tags"
    PROSE = "prose"


def style_of(captions: Iterable[str]) -> CaptionStyle | None:
    """What most of the captions are; None where there is not one. Empty ones do not count."""
    votes = [_is_tags(caption) for caption in captions if caption.strip()]
    if not votes:
        return None
    return CaptionStyle.TAGS if sum(votes) * 2 > len(votes) else CaptionStyle.PROSE


def has_trigger(caption: str, trigger: str) -> bool:
    """Whether the line the engine reads, the first, has the trigger as a word."""
    word = rf"(?a:(?<!\w){re.escape(trigger)}(?!\w))"  # ASCII: Japanese has no spaces around words
    return re.search(word, caption.partition("\n")[0], re.IGNORECASE) is not None


def no_trigger(words: str) -> str:
    """Why they cannot stand in front of a caption; empty where they can, and where there are none."""
    if any(unicodedata.category(letter) in _CONTROL for letter in words):
        return "holds an end of a line, or what is no letter at all: a trigger is a few words on one line"
    return "is nothing but spaces" if words and not words.strip() else ""


def _is_tags(caption: str) -> bool:
    """Three or more segments, and more than half of all words in segments as short as a tag.

    The engine splits at the ASCII comma alone, so a sentence with Japanese commas is one segment.
    """
    lengths = [len(words) for segment in caption.split(",") if (words := segment.split())]
    short = sum(length for length in lengths if length <= _WORDS_OF_A_TAG)
    return len(lengths) >= _FEWEST_TAGS and short * 2 > sum(lengths)
