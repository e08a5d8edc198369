"""The `[kohya_wrap]` section: what the wrapper itself remembers of a project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from kohya_wrap.config.presets import Subject
from kohya_wrap.domain.captions import no_trigger
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.options import Option, nearest


@dataclass(frozen=True)
class WrapperSection:
    """Never given to the engine.

    Attributes:
        base: as given to --base.
        subject: the recipe that fills what the file leaves open: "" the guide's, "none" no recipe.
        price_per_hour: dollars.
        max_cost, max_hours: of a whole run, in dollars and hours.
    """

    base: str = ""
    engine: Literal["real", "rehearsal"] = "real"
    subject: Subject = ""
    trigger: str = ""
    target_steps: int | None = None
    price_per_hour: float | None = None
    max_cost: float | None = None
    max_hours: float | None = None


KEYS = {
    option.name: option
    for option in (
        Option("base", "str", "", (), ""),
        Option("engine", "str", "", ("real", "rehearsal"), "real"),
        Option("subject", "str", "", tuple(filter(None, get_args(Subject))), ""),
        Option("trigger", "str", "", (), ""),
        Option("target_steps", "int", "", (), None),
        Option("price_per_hour", "float", "", (), None),
        Option("max_cost", "float", "", (), None),
        Option("max_hours", "float", "", (), None),
    )
}
_MORE_THAN_0 = ("target_steps", "price_per_hour", "max_cost", "max_hours")


def read(raw: Mapping[str, Any], where: Callable[[str], str]) -> tuple[WrapperSection, list[Finding]]:
    """The section, less what it does not know or cannot mean: those are errors, each at its line (`where` of its key)."""
    return changed(WrapperSection(), raw, where)


def changed(
    section: WrapperSection, raw: Mapping[str, Any], where: Callable[[str], str]
) -> tuple[WrapperSection, list[Finding]]:
    """The section with these values in it; as `read`."""
    wrong = {key: why for key, value in raw.items() if (why := _refusal(key, value))}
    findings = [
        Finding(Level.ERROR, "wrapper-section", f"[kohya_wrap] {key}: {why}.", _remedy(key), where(key))
        for key, why in wrong.items()
    ]
    return replace(section, **{key: value for key, value in raw.items() if key not in wrong}), findings


def _refusal(key: str, value: Any) -> str:
    if key not in KEYS:
        return f"this section knows {', '.join(KEYS)}"
    if value == KEYS[key].default:
        return ""
    why = KEYS[key].refuses(value) or (no_trigger(value) if key == "trigger" else "")
    return why or (f"must be more than 0, not {value}" if key in _MORE_THAN_0 and value <= 0 else "")


def _remedy(key: str) -> str:
    if key in KEYS:
        return f"Mend or remove `{key}`."
    close = nearest(key, KEYS)
    return f"Write `{close}`, or remove `{key}`." if close else f"Mend or remove `{key}`."
