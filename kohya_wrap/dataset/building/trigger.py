"""The trigger, written into captions that lack it."""

from __future__ import annotations

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
