"""Whether there are enough images, and whether they differ: the guide's figures and its advice."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from kohya_wrap.dataset.check.remarks import listed
from kohya_wrap.dataset.check.result import CheckedImage
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.wording import counted, share

# The guide's dataset sizes: images -> for what.
_CLASSES = (
    (range(20, 41), "a simple concept: one face, a basic style"),
    (range(40, 81), "a medium concept: a character in several outfits, a subtle style"),
    (range(80, 151), "a complex concept: detailed surroundings, a style that varies much"),
)
_FEWEST = 15  # the guide's FAQ: "15 to 20 images can do"
_ENOUGH_TO_COMPARE = 10
_LIT_ALIKE = 0.04  # standard deviation of the mean brightness, 0 to 1; the tests' photographs have 0.14


def size_class(images: int) -> str:
    """What the guide says of so many."""
    for sizes, what in _CLASSES:
        if images in sizes:
            return f"as the guide advises for {what} ({sizes.start}-{sizes.stop - 1})"
    if images < _CLASSES[0][0].start:
        return "fewer than the guide's 20-40 for a simple concept"
    return "more than the guide's 80-150 for a complex concept"


def findings(images: Sequence[CheckedImage]) -> Iterator[Finding]:
    if 0 < len(images) < _FEWEST:
        yield Finding(
            Level.WARNING, "few-images", f"{counted(len(images), 'image')} {'is' if len(images) == 1 else 'are'} few: the guide finds that 15 to 20 can do, and 30 to 100 "
            "do better.", "Add pictures that differ in angle, light, ground and surroundings.",
        )  # fmt: skip
    if len(images) >= _CLASSES[-1][0].stop:
        yield Finding(
            Level.NOTE, "many-images", f"{len(images)} images are more than the guide's 150: more steps, more hours.",
            "A careful choice of them is worth more than all.",
        )  # fmt: skip
    if len(images) < _ENOUGH_TO_COMPARE:
        return
    grey = [image.name for image in images if image.look.grey]
    if 0 < len(grey) < len(images):
        some = share(len(grey), len(images), "image", ("is", "are"))
        yield Finding(
            Level.NOTE, "grey", f"{some} black and white: {listed(grey)}.",
            "Say so in their captions (monochrome), or the LoRA now and then draws without colour.",
        )  # fmt: skip
    if statistics.pstdev(image.look.mean for image in images) < _LIT_ALIKE:
        yield Finding(
            Level.NOTE, "lit-alike", "all images are about equally light: the guide asks for different lighting.",
            "Add pictures by day and by night, inside and outside.",
        )  # fmt: skip
