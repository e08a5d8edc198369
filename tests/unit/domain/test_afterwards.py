"""What the words of --then mean, and which cannot be meant."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.afterwards import Kind, Step, kept_by, parse
from kohya_wrap.errors import UsageError


def test_meant() -> None:
    said = [("upload:hf://me/x", False), ("notify 'all done' $HOME", True), ("stop-instance", False)]
    assert parse(said) == (
        Step("upload:hf://me/x", Kind.UPLOAD, False, destination="hf://me/x"),
        Step("notify 'all done' $HOME", Kind.COMMAND, True, argv=("notify", "all done", "$HOME")),
        Step("stop-instance", Kind.STOP, False),
    )


@pytest.mark.parametrize("words", ["stop-instance ", " stop-instance", "stop-instance\r"])
def test_blanks_around_are_no_words(words: str) -> None:
    assert parse([(words, False)]) == (Step("stop-instance", Kind.STOP, False),)


@pytest.mark.parametrize(
    "words, said",
    [
        ("", "says nothing"),
        ("upload:", "where to"),
        ("say 'hello", "No closing quotation"),
        ("a && b", "without a shell"),
        ("a; b", "without a shell"),
        ("a > b", "without a shell"),
    ],
)
def test_not_meant(words: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse([(words, False)])
    assert said in raised.value.why


def test_a_shell_when_it_is_asked_for() -> None:
    (step,) = parse([("sh -c 'a && b'", False)])
    assert step.argv == ("sh", "-c", "a && b")


@pytest.mark.parametrize("before, after", [(False, False), (True, True), (True, False)])
def test_never_reached(before: bool, after: bool) -> None:
    with pytest.raises(UsageError, match="never be reached"):
        parse([("stop-instance", before), ("echo", after)])


def test_another_end_on_failure() -> None:
    assert len(parse([("terminate-instance", False), ("stop-instance", True)])) == 2


@pytest.mark.parametrize(
    "kept, end, counts", [(False, False, 1), (True, False, 1), (True, True, 1), (False, True, 0)]
)
def test_what_is_done_whenever_the_instance_is_ended(kept: bool, end: bool, counts: int) -> None:
    steps = parse([("upload:x", kept), ("terminate-instance", end)])
    assert len(kept_by(steps, steps[1])) == counts
