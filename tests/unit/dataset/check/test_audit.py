"""The captions of a folder as a whole: the trigger, likeness, length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.domain.finding import Level
from tests.unit.dataset.check.conftest import checked, codes, image, message, settings

ABOUT = {"no-trigger", "trigger-misspelt", "trigger-assumed", "trigger-shuffled", "trigger-not-first"}


def test_coverage_of_the_trigger_and_who_lacks_it() -> None:
    found = checked(
        [image("a.png", "sks cat, a"), image("b.png", "b of sks cat"), image("c.png", "c")],
        settings(trigger="sks cat"),
    )
    (concept,) = found.concepts
    assert (concept.trigger, concept.assumed, concept.with_trigger, concept.first) == ("sks cat", False, 2, 1)
    assert [one.has_trigger for one in found.images] == [True, True, False]
    assert message(found, "no-trigger") == "1 of 3 captions in 10_thing/ lacks the trigger 'sks cat': c.png."


def test_class_tokens_are_a_caption_too() -> None:
    found = checked([image("a.png", None)], settings(trigger="thing"))
    assert "no-trigger" not in codes(found) and found.concepts[0].captions == 0


def test_a_misspelt_trigger_is_named_where_it_stands() -> None:
    found = checked(
        [image("a.png", "mychar, a"), image("b.png", "mychr, b"), image("c.png", "c")],
        settings(trigger="mychar"),
    )
    (finding,) = [finding for finding in found.findings if finding.code == "trigger-misspelt"]
    assert finding.message == "b.png in 10_thing/: 'mychr', which is nearly the trigger 'mychar'."
    assert finding.hint.endswith("--replace mychr=mychar")
    inside = checked([image("b.png", "a photo of mychr on a sofa")], settings(trigger="mychar"))
    assert [finding.hint for finding in inside.findings if finding.code == "trigger-misspelt"] == [
        "Correct it there."
    ]


@pytest.mark.parametrize(
    ("first", "options", "said"),
    [
        (5, {}, set()),
        (3, {}, {("trigger-not-first", Level.NOTE)}),
        (5, {"shuffle_caption": True, "keep_tokens": 1}, set()),
        (3, {"shuffle_caption": True, "keep_tokens": 1}, {("trigger-not-first", Level.WARNING)}),
        (5, {"shuffle_caption": True}, {("trigger-shuffled", Level.WARNING)}),
        (5, {"shuffle_caption": True, "keep_tokens_separator": "|||"}, set()),
    ],
)
def test_the_place_of_the_trigger(first: int, options: dict[str, Any], said: set[tuple[str, Level]]) -> None:
    captions = [f"sks, tag {n}" if n < first else f"tag {n}, sks" for n in range(5)]
    images = [image(f"{number}.png", caption) for number, caption in enumerate(captions)]
    found = checked(images, settings(options, trigger="sks"))
    assert {(finding.code, finding.level) for finding in found.findings if finding.code in ABOUT} == said


def test_where_no_trigger_is_known_what_most_captions_begin_with_is_taken_and_that_is_said() -> None:
    captions = ["sks cat, a", "sks cat, b", "sks cat, c", "sks cat, d", "e"]
    images = [image(f"{number}.png", caption) for number, caption in enumerate(captions)]
    found = checked(images)
    assert (found.concepts[0].trigger, found.concepts[0].assumed) == ("sks cat", True)
    assert codes(found) & ABOUT == {"trigger-assumed", "no-trigger"}
    assert codes(checked([image(f"{n}.png", f"words {n}, tag") for n in range(9)])) & ABOUT == set()


def test_of_several_concepts_each_has_the_trigger_that_its_captions_have() -> None:
    dog = Path("data") / "10_dog"
    cats = [image(f"{n}.png", f"sks cat, tag {n}") for n in range(5)]
    dogs = [image(f"{n}.png", f"zwx dog, tag {n}", folder=dog) for n in range(5)]
    found = checked([*cats, *dogs], settings(trigger="sks cat"))
    assert [(c.trigger, c.assumed) for c in found.concepts] == [("sks cat", False), ("zwx dog", True)]
    assert "no-trigger" not in codes(found)


def test_identical_captions_on_different_images() -> None:
    same = [image(f"{n}.png", "sks, a cat") for n in range(3)]
    found = checked([*same, image("d.png", "sks, a dog")], settings(trigger="sks"))
    assert message(found, "same-caption") == (
        "3 different images in 10_thing/ share a caption: 'sks, a cat' is that of 0.png, 1.png, 2.png."
    )
    copies = [image(f"{n}.png", "sks, a cat", digest="one") for n in range(3)]
    assert "same-caption" not in codes(checked(copies, settings(trigger="sks")))
    assert "same-caption" not in codes(checked([image(f"{n}.png", None) for n in range(3)]))


def test_captions_of_the_trigger_alone_are_meant_so() -> None:
    found = checked([image(f"{n}.png", "sks cat") for n in range(3)], settings(trigger="sks cat"))
    assert {"trigger-alone"} == codes(found) & {"trigger-alone", "same-caption"}


def test_captions_far_longer_or_shorter_than_the_others() -> None:
    usual = [image(f"{n}.png", f"sks, a, b, c, d, e{n}") for n in range(12)]
    assert "caption-length" not in codes(checked(usual))
    long = image("long.png", "sks, " + ", ".join(f"tag{n}" for n in range(30)))
    assert "which have 6 to 6 tags: long.png." in message(checked([*usual, long]), "caption-length")


@pytest.mark.parametrize(
    ("further_back", "starts", "ends"),
    [
        (["a photo of sks cat"], "It stands within a sentence there", "reads well."),
        (["red, sks cat"], "kohya-wrap dataset caption ", "--prefix 'sks cat'"),
        (
            ["red, sks cat", "a photo of sks cat"],
            "kohya-wrap dataset caption ",
            "(but for 1, which has it within a sentence)",
        ),
    ],
)
def test_the_command_is_said_where_it_moves_the_trigger(
    further_back: list[str], starts: str, ends: str
) -> None:
    texts = ["sks cat, blue", *further_back]
    found = checked([image(f"{n}.png", text) for n, text in enumerate(texts)], settings(trigger="sks cat"))
    (said,) = [finding for finding in found.findings if finding.code == "trigger-not-first"]
    assert said.hint.startswith(starts) and said.hint.endswith(ends)


@pytest.mark.parametrize("words", ["X\u2028é", "a\x85b", "X\x0bé"])
def test_what_can_be_no_trigger_is_not_taken_for_one(words: str) -> None:
    found = checked([image(f"{n}.png", f"{words}, tag {n}") for n in range(11)], settings({}))
    assert not codes(found) & {"trigger-assumed", "no-trigger"}


def test_a_trigger_is_looked_for_in_the_whole_of_the_line_that_the_engine_reads() -> None:
    """Which ends at a line feed, and not where Unicode has ends of lines besides."""
    texts = [f"red\u2028sheet, sks {n}" for n in range(3)]
    found = checked([image(f"{n}.png", text) for n, text in enumerate(texts)], settings(trigger="sks"))
    assert found.concepts[0].with_trigger == 3
