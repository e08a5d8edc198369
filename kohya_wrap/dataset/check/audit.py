"""The captions of a folder as a whole: the trigger in them, and what they say so often that it fuses with it."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from kohya_wrap.dataset.check.remarks import listed
from kohya_wrap.dataset.check.result import CheckedImage, Concept
from kohya_wrap.dataset.check.settings import Settings
from kohya_wrap.domain import captions, spelling, terms
from kohya_wrap.domain.caption_edits import Edits, key_of, tags_of
from kohya_wrap.domain.captions import has_trigger
from kohya_wrap.domain.dataset import Subset
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.domain.wording import counted

# Fewer captions say nothing about shares.
_FEWEST = 5
# Where the project names no trigger, words that this share of the captions begins with are taken for it.
_BEGINS = 0.8
_FAR = 3.0  # interquartile ranges from the middle half: CleanVision's measure of an odd size


def concept(
    subset: Subset, called: str, texts: Mapping[str, str], settings: Settings, *, alone: bool
) -> Concept:
    """Measure the captions of one folder.

    Args:
        called: the folder's name.
        texts: name of each image -> its text as it is trained.
        alone: it is the only folder, so that the project's trigger is this folder's.
    """
    separator = settings.config.get("caption_separator", ",")
    told = "" if settings.trigger and alone else settings.built.get(subset.folder, "")
    trigger, assumed = (
        (told, False) if told else _trigger(list(texts.values()), settings.trigger, separator, alone)
    )
    style = captions.style_of(texts.values())
    written = {i.path.name: texts[i.path.name] for i in subset.images if i.caption.path is not None}
    first = sum(_begins_with(text, trigger) for text in texts.values()) if trigger else 0
    return Concept(
        folder=called,
        repeats=subset.repeats,
        images=len(texts),
        captions=len(written),
        trigger=trigger,
        assumed=assumed,
        with_trigger=sum(has_trigger(text, trigger) for text in texts.values()) if trigger else 0,
        first=first,
        style=style,
        terms=terms.frequencies(written, style, trigger, separator) if style and written else (),
    )


def _trigger(texts: Sequence[str], wanted: str, separator: str, alone: bool) -> tuple[str, bool]:
    """The project's, if these captions are about it; else what most of them begin with."""
    if wanted and (alone or sum(has_trigger(text, wanted) for text in texts) * 2 >= len(texts)):
        return wanted, False
    beginnings = Counter(terms.first_segment(text, separator) for text in texts)
    most, count = beginnings.most_common(1)[0] if beginnings else ("", 0)
    distinct = len(beginnings) > 1 or len({*texts}) > 1
    found = (
        most
        and not captions.no_trigger(most)
        and distinct
        and len(texts) >= _FEWEST
        and count >= _BEGINS * len(texts)
    )
    return (most, True) if found else ("", False)


def _begins_with(text: str, trigger: str) -> bool:
    return has_trigger(text.lstrip()[: len(trigger) + 1], trigger)


def findings(found: Concept, images: Sequence[CheckedImage], settings: Settings) -> Iterator[Finding]:
    """Coverage, position and spelling of the trigger; captions that are alike, or far longer or shorter than the rest."""
    if found.assumed:
        yield Finding(
            Level.NOTE, "trigger-assumed", f"most captions in {found.folder}/ begin with {found.trigger!r}: taken for the trigger.",
            f"If it is: --trigger {typed(found.trigger)}, or trigger = \"{found.trigger}\" under [kohya_wrap].",
        )  # fmt: skip
    yield from _coverage(found, images)
    yield from _position(found, images, settings)
    yield from _identical(found, images)
    yield from _lengths(found, images)


def _coverage(found: Concept, images: Sequence[CheckedImage]) -> Iterator[Finding]:
    without = [image for image in images if found.trigger and not has_trigger(image.text, found.trigger)]
    if not without:
        return
    folder = images[0].image.path.parent
    names = listed([image.image.path.name for image in without])
    in_folder = f"{len(without)} of {counted(found.images, 'caption')} in {found.folder}/"
    trigger = f"the trigger {found.trigger!r}" + (", with which most begin" if found.assumed else "")
    yield Finding(
        Level.WARNING, "no-trigger", f"{in_folder} {'lacks' if len(without) == 1 else 'lack'} {trigger}: {names}.",
        f"kohya-wrap dataset caption {typed(folder)} --prefix {typed(found.trigger)}", str(folder),
    )  # fmt: skip
    misses: dict[str, list[str]] = defaultdict(list)
    for image in without:
        if near := spelling.near_miss(image.text, found.trigger):
            misses[near].append(image.image.path.name)
    for near, names_with_it in misses.items():
        yield _misspelt(near, names_with_it, found, images)


def _misspelt(near: str, names: list[str], found: Concept, images: Sequence[CheckedImage]) -> Finding:
    folder = images[0].image.path.parent
    hint = "Correct it there."
    if any(key_of(near) in map(key_of, tags_of(image.text)) for image in images):
        hint = f"kohya-wrap dataset caption {typed(folder)} --replace {typed(f'{near}={found.trigger}')}"
    return Finding(
        Level.WARNING, "trigger-misspelt",
        f"{listed(names)} in {found.folder}/: {near!r}, which is nearly the trigger {found.trigger!r}.", hint, str(folder),
    )  # fmt: skip


def _position(found: Concept, images: Sequence[CheckedImage], settings: Settings) -> Iterator[Finding]:
    """A trigger that is shuffled with the rest is harder to learn, and its place in the prompt means nothing."""
    shuffled = settings.config.get("shuffle_caption", False)
    if not found.with_trigger or (found.first == found.with_trigger and not shuffled):
        return
    elsewhere = found.with_trigger - found.first
    keeps = settings.config.get("keep_tokens", 0) or settings.config.get("keep_tokens_separator")
    if shuffled and not keeps:
        yield Finding(
            Level.WARNING, "trigger-shuffled", f"the trigger {found.trigger!r} is shuffled with the other tags.",
            "Write keep_tokens = 1, with the trigger as the first tag.",
        )  # fmt: skip
    elif elsewhere:
        level = Level.WARNING if shuffled else Level.NOTE
        why = "where it is shuffled with the rest" if shuffled else "which ties it to other neighbours"
        yield Finding(
            level, "trigger-not-first", f"{elsewhere} of {counted(found.with_trigger, 'caption')} in {found.folder}/ "
            f"{'has' if elsewhere == 1 else 'have'} the trigger "
            f"further back, {why}.",
            _to_the_front(found, images),
        )  # fmt: skip


def _to_the_front(found: Concept, images: Sequence[CheckedImage]) -> str:
    """The command, where it moves the trigger: it leaves one alone that stands within a sentence."""
    back = [
        image.image.caption.text
        for image in images
        if has_trigger(image.text, found.trigger) and not _begins_with(image.text, found.trigger)
    ]
    front = Edits(prefix=found.trigger)
    left = sum(front.apply(text) == text for text in back)
    command = (
        f"kohya-wrap dataset caption {typed(images[0].image.path.parent)} --prefix {typed(found.trigger)}"
    )
    if left == len(back):
        return f"It stands within a sentence there: write {found.trigger!r} in front by hand, where that reads well."
    return (
        f"{command}   (but for {left}, which {'has' if left == 1 else 'have'} it within a sentence)"
        if left
        else command
    )


def _identical(found: Concept, images: Sequence[CheckedImage]) -> Iterator[Finding]:
    """Nothing in them tells the pictures apart, so that they are averaged; a set with the trigger alone means to."""
    of_text: dict[str, dict[str, str]] = defaultdict(dict)
    for image in images:
        if image.text and image.image.caption.path is not None:
            of_text[image.text][image.image.facts.digest] = image.image.path.name
    groups = [(text, list(held.values())) for text, held in of_text.items() if len(held) > 1]
    if not groups:
        return
    count = sum(len(names) for _, names in groups)
    bare = all(text.casefold() == found.trigger.casefold() for text, _ in groups)
    text, names = max(groups, key=lambda group: len(group[1]))
    if bare:
        yield Finding(
            Level.NOTE, "trigger-alone", f"{count} captions in {found.folder}/ are the trigger alone: it takes in all that "
            "these pictures show.",
        )  # fmt: skip
        return
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    yield Finding(
        Level.WARNING, "same-caption", f"{count} different images in {found.folder}/ share a caption: {shown!r} is that of "
        f"{listed(names)}.", "Say in each what sets it apart.",
    )  # fmt: skip


def _lengths(found: Concept, images: Sequence[CheckedImage]) -> Iterator[Finding]:
    written = [image for image in images if image.image.caption.path is not None and image.text]
    if len(written) < 2 * _FEWEST:
        return
    lengths = [_length(image.text, found) for image in written]
    low, _, high = statistics.quantiles(lengths, n=4)
    reach = _FAR * max(high - low, 1)
    odd = [
        image.image.path.name
        for image, length in zip(written, lengths, strict=True)
        if not low - reach <= length <= high + reach
    ]
    if odd:
        unit = "tags" if found.style is captions.CaptionStyle.TAGS else "words"
        yield Finding(
            Level.NOTE, "caption-length", f"{counted(len(odd), 'caption')} in {found.folder}/ {'is' if len(odd) == 1 else 'are'} far shorter or longer than the others, "
            f"which have {low:.0f} to {high:.0f} {unit}: {listed(odd)}.",
        )  # fmt: skip


def _length(text: str, found: Concept) -> int:
    return text.count(",") + 1 if found.style is captions.CaptionStyle.TAGS else len(text.split())
