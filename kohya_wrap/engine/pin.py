"""The pin: which commit of the engine, from where, and what of it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import toml

from kohya_wrap import resources


@dataclass(frozen=True)
class Pin:
    """The one commit that this version of kohya-wrap drives.

    Attributes:
        leave_out: folders of the repository that are not checked out.
        python: versions that the engine supports, best first.
        from_source: packages of the lock that publish no wheel.
        imports: modules that an environment must be able to import to count as complete.
    """

    url: str
    commit: str
    described: str
    leave_out: tuple[str, ...]
    python: tuple[str, ...]
    from_source: tuple[str, ...]
    imports: tuple[str, ...]

    @property
    def short(self) -> str:
        return self.commit[:8]


def load(file: Path | None = None) -> Pin:
    data = toml.loads((file or resources.pin_file()).read_text(encoding="utf-8"))
    engine, environment = data["engine"], data["environment"]
    return Pin(
        url=engine["url"],
        commit=engine["commit"],
        described=engine["described"],
        leave_out=tuple(engine["leave_out"]),
        python=tuple(environment["python"]),
        from_source=tuple(environment["from_source"]),
        imports=tuple(environment["imports"]),
    )
