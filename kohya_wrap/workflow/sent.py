"""What a project has sent elsewhere, by its hashes: so a later upload of it tells its own files from those of others.

A copy of it is another project, though the record was copied along: in doubt a file counts as another's, and is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from kohya_wrap.host.upload.item import Item
from kohya_wrap.places import Project
from kohya_wrap.workflow.run_folder import RunFolder


def before(runs: Sequence[RunFolder], items: Sequence[Item]) -> set[str]:
    """What the projects of these runs have sent before; these items are noted as well."""
    found: set[str] = set()
    for path in {Project(run.path.resolve().parents[2]).sent for run in runs}:
        with suppress(OSError):  # then a file of its own counts as another's: it is kept, and nothing is lost
            here = _marks(path.parent)
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            known = {line.split()[0] for line in lines if here & set(line.split()[1:])}
            found |= known
            with path.open("a", encoding="utf-8") as out:
                out.writelines(
                    f"{' '.join((item.sha256, *sorted(here)))}\n"
                    for item in items
                    if item.sha256 not in known
                )
    return found


def _marks(folder: Path) -> set[str]:
    """Of this very folder and no copy of it, by its number on its drive: one holds where it is moved there, the other
    where the drive gets another number, as at a new start of a rented machine."""
    own = folder.stat()
    return {sha256(f"{own.st_ino} {where}".encode()).hexdigest()[:16] for where in (own.st_dev, folder)}
