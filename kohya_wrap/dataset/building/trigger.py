"""The trigger, written into captions that lack it, in place of those that an earlier build or init wrote."""

from __future__ import annotations

from collections.abc import Iterable

from kohya_wrap.domain.caption_edits import Edits
from kohya_wrap.domain.captions import has_trigger


def with_trigger(caption: str, trigger: str, *, first: bool = False) -> str:
    """The trigger in front, unless the line that the engine reads has it.

    Args:
        first: as a tag further back it is moved; within a sentence it stays, since the sentence needs it.
    """
    if not trigger:
        return caption
    if first:
        return Edits(prefix=trigger).apply(caption)
    if has_trigger(caption, trigger):
        return caption
    return f"{trigger}, {caption}" if caption else trigger


def exchanged(caption: str, formers: Iterable[str], trigger: str) -> str:
    """This trigger where former ones stand, in front or as tags of their own; a person's other words stay.

    Args:
        trigger: empty: the former ones are only taken out.
    """
    for former in formers:
        if former.casefold() == trigger.casefold():
            continue
        if "," not in former:
            caption = Edits(replace=((former, trigger),)).apply(caption)
        elif caption == former or caption.startswith(f"{former}, "):
            rest = caption[len(former) + 2 :]
            caption = ", ".join(filter(None, (trigger, rest)))
    return caption


def written(said: str, wrote: str) -> str:
    """What was put in front of a source's caption; empty where nothing was."""
    if not said:
        return wrote
    return wrote.removesuffix(f", {said}") if wrote.endswith(f", {said}") else ""
