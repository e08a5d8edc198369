"""The fields of one config of the GUI, read as the GUI reads them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import toml

from kohya_wrap.config.importing import typed
from kohya_wrap.config.importing.ledger import Ledger
from kohya_wrap.domain.family import FamilyName


@cache
def tables() -> Mapping[str, Any]:
    """gui.toml: what each field is."""
    read: dict[str, Any] = toml.load(Path(__file__).with_name("gui.toml"))
    return read


class GuiFields:
    """
    Attributes:
        base: the catalogue's name of a model that the GUI takes from the hub.
        prompts: the sample prompts themselves.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.ledger = Ledger(FamilyName.SDXL if data.get("sdxl") else FamilyName.SD15)
        self.base = ""
        self.prompts = ""

    def has(self, field: str) -> bool:
        """Whether the GUI would pass it on: it leaves out "", False, None, and with False every 0."""
        value = self.data.get(field)
        if value in ("", False, None):
            return False
        known = self.ledger.table.get(tables()["renamed"].get(field, field))
        is_text = known is not None and known.type == "str"
        return is_text or not isinstance(value, str) or value.strip("0.") != ""

    def number(self, field: str) -> float:
        """As the GUI reads its number fields: an empty one is 0."""
        return typed.number(self.data.get(field) or 0)
