"""The trigger that a concept folder of a project was built with, or prepared by `init`."""

from __future__ import annotations

from pathlib import Path

from kohya_wrap.dataset import folders
from kohya_wrap.dataset.building import record
from kohya_wrap.places import Project


def of(folder: Path) -> str:
    """Empty where there was none, and for what is no concept folder."""
    folder = folder.absolute()
    project, numbered = Project(folder.parent.parent), folders.repeats_and_tokens(folder.name)
    if folder.parent != project.training_data or numbered is None:
        return ""
    found = record.read(project.built / f"{numbered[1]}.json")
    return found.choices.trigger if found else ""
