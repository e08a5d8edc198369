"""Captions of a folder that stands already, given the trigger they lack: without a build, whose sources may be elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kohya_wrap.dataset.building import record
from kohya_wrap.dataset.building.record import Entry, Record
from kohya_wrap.dataset.building.trigger import exchanged, with_trigger
from kohya_wrap.domain.dataset import Subset
from kohya_wrap.host import atomic, lock


def complete(subset: Subset, extension: str, trigger: str, built: Path) -> int:
    """Write the trigger into the captions of a project's own folder that lack it; how many those were.

    Each is replaced, not written into: what is a link to a file of the user's becomes a file of the project's. One that
    a build wrote is written anew from what its source said, so that no earlier trigger stays in it; in one that a person
    changed since, it takes the place of the earlier one.

    Args:
        built: the folder's record, which knows the earlier trigger also where nothing was built.
    """
    written = 0
    with lock.hold(built), lock.hold(subset.folder):
        known = record.read(built) or Record()
        choices = replace(known.choices, trigger=trigger)
        ours = {entry.stem: entry for entry in known.entries if not entry.held}
        new: dict[str, Entry] = {}
        for path in sorted(
            {i.caption.path or Path(f"{i.path.with_suffix('')}{extension}") for i in subset.images}
        ):
            old = path.read_text(encoding="utf-8-sig").strip() if path.exists() else ""
            entry = ours.get(path.stem)
            if entry is not None and old == entry.wrote:
                text = choices.with_trigger(entry.said or "")
                new[entry.name] = replace(entry, wrote=text)
            else:
                formers = entry.formers(known.choices.trigger) if entry else (known.choices.trigger,)
                text = with_trigger(exchanged(old, filter(None, formers), trigger), trigger)
            if text != old:
                atomic.write_text(path, text + "\n")
                written += 1
        entries = tuple(new.get(entry.name, entry) for entry in known.entries)
        record.write(built, replace(known, choices=choices, entries=entries))
    return written
