"""An effective config as the rules see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kohya_wrap.domain.config import Origin, TrainingConfig
from kohya_wrap.domain.finding import Finding, Level


@dataclass(frozen=True)
class Seen:
    """What a rule may ask. Every value has the type that the engine needs: wrong ones are left out.

    Attributes:
        script: the entry script that will read the config.
        lines: option -> "file:line", of the user's file.
    """

    config: TrainingConfig
    script: str
    lines: Mapping[str, str]

    @property
    def sdxl(self) -> bool:
        return self.script.startswith("sdxl")

    def get(self, name: str, default: Any = None) -> Any:
        return self.config.get(name, default)

    def given(self, name: str) -> bool:
        """Set by the user, and not to nothing or false."""
        return bool(self.get(name)) and self.by_user(name)

    def by_user(self, name: str) -> bool:
        return (self.config.origin(name) or Origin.ENGINE) >= Origin.FILE

    def where(self, name: str) -> str:
        """The line of the user's file, else the variable or --set that set it.

        Empty where a preset or a recipe set it: the name of a card is no place to look at.
        """
        value = self.config.values.get(name)
        if value is None or value.origin in (Origin.FILE, Origin.HARDWARE):
            return self.lines.get(name, "")
        return value.detail if value.origin > Origin.FILE or ":" in value.detail else ""

    def error(self, code: str, name: str, message: str, hint: str) -> Finding:
        """The engine would crash, or train something else than the line of `name` says."""
        return Finding(Level.ERROR, code, message, hint, self.where(name))

    def warning(self, code: str, name: str, message: str, hint: str) -> Finding:
        """It trains, but perhaps not what was meant."""
        return Finding(Level.WARNING, code, message, hint, self.where(name))


Rule = Callable[[Seen], Iterable[Finding]]
