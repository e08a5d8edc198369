"""What stands in nearly every caption, read by what is trained."""

from __future__ import annotations

import pytest

from kohya_wrap.dataset.check.result import Checked
from kohya_wrap.domain.finding import Finding, Level
from tests.unit.dataset.check.conftest import checked, image, settings

POSES = (
    "smile",
    "standing",
    "sitting",
    "from side",
    "upper body",
    "running",
    "hat",
    "bag",
    "indoors",
    "night",
)


def of(captions: list[str], subject: str, trigger: str = "mychar") -> Checked:
    images = [image(f"{number}.png", caption) for number, caption in enumerate(captions)]
    return checked(images, settings(subject=subject, trigger=trigger))


def fused(found: Checked) -> list[Finding]:
    return [finding for finding in found.findings if finding.code == "fused-term"]


TAGS = [f"mychar, 1girl, solo, blue eyes, long hair, white background, {pose}" for pose in POSES]
PROSE = [f"a mychar oil painting, {pose}" for pose in POSES]


def test_a_characters_own_tags_are_normal_its_traits_are_to_be_pruned_and_the_rest_is_asked_about() -> None:
    found = of(TAGS, "character")
    assert [finding.message.split(" stands")[0] for finding in fused(found)] == ["'white background'"]
    (prune,) = [finding for finding in found.findings if finding.code == "prune"]
    assert prune.level is Level.NOTE
    assert prune.hint == "kohya-wrap dataset caption data/10_thing --remove 'blue eyes,long hair'"


@pytest.mark.parametrize("subject", ["style", "object", ""])
def test_for_anything_else_every_such_term_is_a_warning(subject: str) -> None:
    found = fused(of(TAGS, subject))
    assert {finding.message.split("'")[1] for finding in found} == {
        "1girl",
        "solo",
        "blue eyes",
        "long hair",
        "white background",
    }
    assert all(finding.level is Level.WARNING for finding in found)


def test_the_question_is_put_and_the_files_are_named() -> None:
    (finding,) = fused(of([*PROSE, "a mychar sketch of a dog"], "style"))
    assert finding.message == (
        "'oil painting' stands in 10 of 11 captions of 10_thing/, P(term | trigger) 0.91: it fuses with 'mychar', and can "
        "hardly be prompted away. Is it a part of the style, or do all pictures merely show it? (without it: 10.png)"
    )
    assert finding.hint.startswith("Part of what is learned: cut it out of the captions.")


def test_the_remedy_for_tags_can_be_typed() -> None:
    found = fused(of(TAGS, "object"))
    hints = {finding.message.split("'")[1]: finding.hint for finding in found}
    assert "kohya-wrap dataset caption data/10_thing --remove 'white background'" in hints["white background"]


@pytest.mark.parametrize(("having", "said"), [(9, True), (8, False)])
def test_from_which_share_a_term_counts_as_fused(having: int, said: bool) -> None:
    captions = [
        f"sks, red, {pose}" if number < having else f"sks, {pose}" for number, pose in enumerate(POSES)
    ]
    assert bool(fused(of(captions, "object", "sks"))) is said


def test_four_captions_say_nothing() -> None:
    assert fused(of(TAGS[:4], "style")) == []


def test_of_very_many_terms_the_rest_is_gathered() -> None:
    common = ", ".join(f"word{number}" for number in range(8))
    found = of([f"sks, {common}, {pose}" for pose in POSES], "style", "sks")
    assert len(fused(found)) == 5
    (more,) = [finding.message for finding in found.findings if finding.code == "fused-terms"]
    assert more.startswith("3 more terms")


def test_the_name_of_the_folder_is_no_caption() -> None:
    """Where a picture has none, it is trained with that: written by nobody, and `no-caption` says it."""
    none = checked([image(f"{number}.png", None) for number in range(10)])
    assert (fused(none), none.concepts[0].terms) == ([], ())
    some = [image(f"{number}.png", None) for number in range(90)]
    some += [image(f"t{number}.png", f"a red {pose}") for number, pose in enumerate(POSES)]
    (finding,) = fused(checked(some, settings(subject="object", trigger="mychar")))
    assert finding.message.startswith("'red' stands in 10 of 10 captions")
