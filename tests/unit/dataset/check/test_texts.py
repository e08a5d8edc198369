"""The text that is trained, and its tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.dataset.check import texts
from kohya_wrap.dataset.check.tokens import TokenCounter
from kohya_wrap.domain.dataset import CaptionFacts
from tests.unit.dataset.check.conftest import checked, codes, image, message, settings


def caption(text: str) -> CaptionFacts:
    return CaptionFacts(Path("a.txt"), text)


@pytest.mark.parametrize(
    ("text", "options", "trained"),
    [
        (" a cat \nsecond\n", {}, "a cat"),
        ("\n\nlate", {}, ""),
        ("a cat", {"caption_prefix": "sks,", "caption_suffix": "photo"}, "sks, a cat photo"),
        ("a\n\n b \n", {"enable_wildcard": True}, "a\nb"),
        ("a,b ,  c", {}, "a,b ,  c"),
        ("a,b ,  c", {"shuffle_caption": True}, "a, b, c"),
        ("a, b ||| c,, d", {"shuffle_caption": True, "keep_tokens_separator": "|||"}, "a, b, c, d"),
        ("a ||| b", {"keep_tokens_separator": "|||"}, "a ||| b"),
        ("a;;;b, c", {"secondary_separator": ";;;"}, "a,b, c"),
    ],
)
def test_the_text_as_the_engine_trains_it(text: str, options: dict[str, Any], trained: str) -> None:
    assert texts.trained(caption(text), settings(options).config) == trained


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a cat", {}, set()),
        ("a cat\n\n", {}, set()),
        ("\na cat", {}, {"blank-caption"}),
        ("  \n", {}, {"blank-caption"}),
        ("a cat\na dog", {}, {"more-lines"}),
        ("a cat\na dog", {"enable_wildcard": True}, set()),
        (None, {}, set()),
    ],
)
def test_what_is_said_of_lines(text: str | None, options: dict[str, Any], said: set[str]) -> None:
    found = checked([image("a.png", text)], settings(options))
    assert codes(found) & {"blank-caption", "more-lines"} == said


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("\0c\0a\0t", "U+0000"),
        ("a\x1b[31m cat\x7f", "U+001B, U+007F"),
        ("a\tcat\r\n", ""),
        ("a “cat” 😀", ""),
    ],
)
def test_characters_that_cannot_be_seen_are_named(text: str, names: str) -> None:
    found = checked([image("a.png", text)], settings({}))
    assert ("control-characters" in codes(found)) == bool(names)
    assert not names or message(found, "control-characters").endswith(f"reads: {names}.")


@pytest.fixture
def alphabet(tmp_path: Path) -> Path:
    """A vocabulary of single letters, but for "cat"."""
    letters = [*"abcdefghijklmnopqrstuvwxyz,.'", "ca", "cat</w>"]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (tmp_path / "vocab.json").write_text(json.dumps({word: place for place, word in enumerate(words)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\nc a\nca t</w>\n")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("cat", 1), ("CAT cat, cat", 4), ("cats", 3), ("  cat \t cat ", 2), ("it’s", 4), ("ｃａｔ", 1)],
)
def test_tokens_are_counted_by_the_vocabulary_given(alphabet: Path, text: str, count: int) -> None:
    assert TokenCounter(alphabet).counts([text]) == [count]


@pytest.mark.parametrize(
    ("words", "options", "hint"),
    [
        (75, {}, None),
        (76, {}, "Write max_token_length = 150, or shorten them."),
        (151, {}, "Write max_token_length = 225, or shorten them."),
        (226, {}, "Shorten them: 225 is the most."),
        (150, {"max_token_length": 150}, None),
    ],
)
def test_a_caption_that_is_not_read_to_its_end(
    alphabet: Path, words: int, options: dict[str, Any], hint: str | None
) -> None:
    found = checked([image("a.png", "cat " * words)], settings(options, tokenizer=alphabet))
    assert found.images[0].tokens == words
    assert [finding.hint for finding in found.findings if finding.code == "long-caption"] == (
        [hint] if hint else []
    )


def test_of_wildcards_the_longest_line_counts(alphabet: Path) -> None:
    found = checked(
        [image("a.png", "cat\ncat cat cat\ncat")], settings({"enable_wildcard": True}, tokenizer=alphabet)
    )
    assert found.images[0].tokens == 3


def test_without_a_tokenizer_nothing_is_guessed_and_that_is_said() -> None:
    found = checked([image("a.png", "cat " * 500)])
    assert found.images[0].tokens is None
    assert "were not counted" in message(found, "tokens-not-counted")
