"""What the words of --set mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kohya_wrap.config import by_hand
from kohya_wrap.config.by_hand import meant_by, with_words
from kohya_wrap.config.user import UserConfig
from kohya_wrap.domain.finding import Level
from kohya_wrap.errors import UsageError

Read = Callable[[str], UserConfig]
FILE = '[gpu]\npreset = "T4"\ntrain_batch_size = 2\n[kohya_wrap]\nsubject = "style"\nbase = "sd15"\n'


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("seed=1", ("", "seed", 1)),
        ("batch_size = 2", ("", "train_batch_size", 2)),
        ("training.seed=1", ("", "seed", 1)),
        ("dataset.batch_size=2", ("", "train_batch_size", 2)),
        ("other.seed=1", ("", "other.seed", 1)),
        ("vae=a=b", ("", "vae", "a=b")),
        ("gpu.preset=4090", ("gpu", "preset", "4090")),
        ('gpu.preset="RTX 4090"', ("gpu", "preset", "RTX 4090")),
        ("gpu.batch_size=2", ("gpu", "train_batch_size", 2)),
        ("kohya_wrap.trigger=1", ("kohya_wrap", "trigger", "1")),
        ("kohya_wrap.target_steps=10", ("kohya_wrap", "target_steps", 10)),
        ("kohya_wrap.nonsense=1", ("kohya_wrap", "nonsense", 1)),
    ],
)
def test_a_word(word: str, meant: tuple[str, str, Any]) -> None:
    assert meant_by(word) == meant


@pytest.mark.parametrize("word", ["seed", "=1", " = 1", "gpu.preset"])
def test_no_word(word: str) -> None:
    with pytest.raises(UsageError):
        meant_by(word)


def test_words_for_our_own_sections_count_as_if_they_stood_in_the_file(user: Read) -> None:
    words = ("kohya_wrap.subject=object", "gpu.preset=RTX 4090", "seed=1")
    changed = with_words(user(FILE), words)
    assert (changed.wrapper.subject, changed.wrapper.base) == ("object", "sd15")
    assert changed.gpu == {"preset": "RTX 4090", "train_batch_size": 2}
    assert (changed.gpu_lines["preset"], changed.wrapper_lines["subject"]) == ("--set", "--set")
    assert changed.values == {}
    assert by_hand.from_command_line(words, changed.path.parent).values == {"seed": 1}


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("kohya_wrap.subject=cat", "wrapper-section"),
        ("kohya_wrap.nonsense=1", "wrapper-section"),
        ("gpu.learning_rate=1e-4", "not-of-the-card"),
    ],
)
def test_what_cannot_be_meant_there_is_an_error_of_the_word(user: Read, word: str, code: str) -> None:
    read = user(FILE)
    changed = with_words(read, (word,))
    (found,) = changed.findings
    assert (found.level, found.code, found.where) == (Level.ERROR, code, "--set")
    assert changed.wrapper == read.wrapper
