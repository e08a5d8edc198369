"""What a project has sent elsewhere, by its hashes: so a later upload of it tells its own files from those of others."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from kohya_wrap.host.upload.item import Item
from kohya_wrap.places import Project
from kohya_wrap.workflow.run_folder import RunFolder


def before(runs: Sequence[RunFolder], items: Sequence[Item]) -> set[str]:
    """What the projects of these runs have sent before; these items are noted as well."""
    found: set[str] = set()
    for path in {Project(run.path.resolve().parents[2]).sent for run in runs}:
        with suppress(OSError):  # then a file of its own counts as another's: it is kept, and nothing is lost
            known = set(path.read_text(encoding="utf-8").split()) if path.exists() else set()
            found |= known
            with path.open("a", encoding="utf-8") as out:
                out.writelines(f"{item.sha256}\n" for item in items if item.sha256 not in known)
    return found
