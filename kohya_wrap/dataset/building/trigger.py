"""The trigger, written into captions that lack it."""

from __future__ import annotations

from pathlib import Path

from kohya_wrap.domain.caption_edits import Edits
from kohya_wrap.domain.captions import has_trigger
from kohya_wrap.domain.dataset import Subset
from kohya_wrap.host import atomic, lock


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


def complete(subset: Subset, extension: str, trigger: str) -> int:
    """Write the trigger into the captions of a project's own folder that lack it; how many those were.

    Each is replaced, not written into: what is a link to a file of the user's becomes a file of the project's.
    """
    written = 0
    with lock.hold(subset.folder):
        for path in sorted(
            {i.caption.path or Path(f"{i.path.with_suffix('')}{extension}") for i in subset.images}
        ):
            old = path.read_text(encoding="utf-8-sig").strip() if path.exists() else ""
            new = with_trigger(old, trigger)
            if new != old:
                atomic.write_text(path, new + "\n")
                written += 1
    return written
