"""Where a reader books every value of its file: kept, dropped or lost, and never in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kohya_wrap.config import option_table
from kohya_wrap.config.importing import typed
from kohya_wrap.config.importing.source import Left, Mapped, Source
from kohya_wrap.domain.config import SECRETS, shown
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.options import nearest

_VARIABLES = {"wandb_api_key": "WANDB_API_KEY", "huggingface_token": "HF_TOKEN"}
_OWN = frozenset({"config_file", "output_config"})


class Ledger:
    """One file's values on their way to the engine's options. A later value of an option replaces the earlier."""

    def __init__(self, family: FamilyName | None) -> None:
        self.family = family
        # Where the family is not known, the script that knows all options of both.
        self.table = option_table.for_script(FAMILIES[family or FamilyName.SDXL].script)
        self.options: dict[str, Any] = {}
        self._mapped: dict[str, Mapped] = {}
        self._dropped: list[Left] = []
        self._lost: list[Left] = []
        self._unset: list[str] = []
        self._booked: set[str] = set()
        self._findings: list[Finding] = []

    def take(self, source: str, option: str, raw: Any) -> None:
        """Keep a value as the engine's option, in its type; empty texts are no values."""
        if option == "caption_extention":  # the engine takes both
            option = "caption_extension"
        if raw is None or raw == "" or raw == []:
            self.unset(source)
        elif why := self._unwanted(option, raw):
            self.lose(source, shown(option, raw), why)
        elif option == "max_token_length" and str(raw) == "75":
            self.drop(source, raw, "75 is what the engine takes by itself")
        else:
            self._convert(source, option, raw)

    def _unwanted(self, option: str, raw: Any) -> str:
        if option in SECRETS:
            return f"a secret has no place in a config: set {_VARIABLES[option]} in the environment"
        if option in _OWN:
            return "kohya-wrap writes the engine's config file itself"
        if option.startswith("huggingface_") or option in ("save_state_to_huggingface", "async_upload"):
            return "" if raw is False else "nothing is uploaded while training: the engine is kept offline"
        if option not in self.table:
            return self._stranger(option)
        return ""

    def _stranger(self, option: str) -> str:
        others = [name for name in option_table.readers(option) if name != "dataset_config"]
        script = FAMILIES[self.family or FamilyName.SDXL].script
        if others:
            return f"{script} does not read it, {others[0]} does"
        close = nearest(option, self.table)
        return f"{script} has no such option" + (f"; did you mean `{close}`?" if close else "")

    def _convert(self, source: str, option: str, raw: Any) -> None:
        known = self.table[option]
        try:
            value = typed.convert(known, raw)
        except ValueError:
            self.lose(source, raw, known.refuses(raw) or "its value cannot be read", option)
            return
        if why := known.refuses(value):
            self.lose(source, raw, why, option)
        else:
            self.keep(source, option, value)

    def keep(self, source: str, option: str, value: Any) -> None:
        """A value that is in the engine's type already; `source` may be several names, "a, b"."""
        self._booked.update(source.split(", "))
        held = self._mapped.get(option)
        if held is not None:
            by = "a later one" if held.source == source else f"`{source}`"
            self.drop(held.source, held.value, f"{by} overrides it")
        self.options[option] = value
        self._mapped[option] = Mapped(source, option, value)

    def drop(self, source: str, value: Any, why: str) -> None:
        self._booked.add(source)
        self._dropped.append(Left(shown("", source), shown(source, value), why))

    def lose(self, source: str, value: Any, why: str, option: str = "") -> None:
        self._booked.add(source)
        known = option if option in self.table else ""
        self._lost.append(Left(shown("", source), shown(source, value), why, known))

    def keep_account_of(self, source: str) -> None:
        """A value whose parts are booked one by one."""
        self._booked.add(source)

    def has_booked(self, source: str) -> bool:
        return source in self._booked

    def lost_value(self, source: str) -> Any:
        """The value of that name that could not be kept, or None."""
        return next((left.value for left in self._lost if left.source == source), None)

    def lost(self) -> tuple[Left, ...]:
        return tuple(self._lost)

    def unset(self, source: str) -> None:
        self._booked.add(source)
        self._unset.append(source)

    def give_up(self, option: str, why: str) -> None:
        """A value that was kept, but that the engine would refuse beside others."""
        held = self._mapped.pop(option)
        self._lost.append(Left(held.source, self.options.pop(option), why))

    def idle(self, option: str, why: str) -> None:
        """A value that was kept, but that does nothing beside others."""
        held = self._mapped.pop(option)
        self._dropped.append(Left(held.source, self.options.pop(option), why))

    def revise(self, option: str, value: list[str]) -> None:
        """A list that was kept, with other items; without any it is gone."""
        held = self._mapped.pop(option)
        del self.options[option]
        if value:
            self.keep(held.source, option, value)
        else:
            self.drop(held.source, held.value, "nothing of it is read")

    def say(self, finding: Finding) -> None:
        self._findings.append(finding)

    def close(
        self, path: Path, kind: str, *, base: str = "", prompts: str = "", tells_all: bool = True
    ) -> Source:
        return Source(
            path=path,
            kind=kind,
            family=self.family,
            base=base,
            options=dict(self.options),
            prompts=prompts,
            mapped=tuple(self._mapped.values()),
            dropped=tuple(self._dropped),
            lost=tuple(self._lost),
            unset=tuple(self._unset),
            findings=tuple(self._findings),
            tells_all=tells_all,
        )
