"""The `[kohya_wrap]` section: what the wrapper itself remembers of a project."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kohya_wrap.errors import ConfigError


class WrapperSection(BaseModel):
    """Never given to the engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = ""  # as given to --base
    engine: Literal["real", "rehearsal"] = "real"
    trigger: str = ""
    target_steps: int | None = Field(default=None, ge=1)
    price_per_hour: float | None = Field(default=None, ge=0)  # dollars


def parse(raw: dict[str, Any], where: str) -> WrapperSection:
    """Raises ConfigError: a key it does not know, or a value that cannot be meant."""
    try:
        return WrapperSection.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{where}: [kohya_wrap] {key}: {first['msg'].lower()}.",
            why=f"The wrapper's own section knows {', '.join(WrapperSection.model_fields)}.",
            hint=f"Mend or remove `{key}` there; the engine's options belong into the other sections.",
        ) from None
