"""Pictures that are held out for one concept of a project, and trained in another or shown as regularisation images.

A build of the other concept keeps out what is held out already; here is what was built before, and what is no concept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kohya_wrap.dataset import folders
from kohya_wrap.dataset.building import record
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.wording import counted, named
from kohya_wrap.places import Project


def findings(project: Project) -> Iterator[Finding]:
    """One for each two concepts, by what their builds noted of each picture that is still there."""
    built = {path.stem: path for path in sorted(project.built.glob("*.json"))}
    held = {concept: _digests(path, True, [project.held_out / concept]) for concept, path in built.items()}
    trained = {(project.training_data, concept): path for concept, path in built.items()}
    trained |= {
        (project.reg_data, path.stem): path for path in sorted((project.built / "reg").glob("*.json"))
    }
    for (parent, concept), path in trained.items():
        among = folders.of_concept(parent, concept)
        here = _digests(path, False, among)
        for other, aside in held.items():
            if both := sorted(here[digest] for digest in here.keys() & aside.keys()):
                yield _said(both, other, among[0])


def _digests(built: Path, held: bool, among: list[Path] | tuple[Path, ...]) -> dict[str, str]:
    """Digest of the source -> name, of those that lie in one of the folders."""
    found = record.read(built) or record.Record()
    return {
        entry.digest: entry.name
        for entry in found.entries
        if entry.held is held and any((folder / entry.name).is_file() for folder in among)
    }


def _said(names: list[str], held_for: str, folder: Path) -> Finding:
    are = "is" if len(names) == 1 else "are"
    return Finding(
        Level.WARNING,
        "held-out-elsewhere",
        f"{counted(len(names), 'picture')} held out for {held_for} {are} trained on in {folder.name}/: {named(names)}.",
        f"It judges no result that has seen it: take {'it' if len(names) == 1 else 'them'} out of what {folder.name} "
        "is built from, and build it again.",
        str(folder),
    )
