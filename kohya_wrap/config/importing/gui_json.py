"""A config saved by the kohya_ss GUI, or one of its presets: the engine options that the GUI would have written.

A field that a file lacks did not exist in the GUI that wrote it: the engine's default holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kohya_wrap.config.importing import conflicts, gui_network, gui_types, refusal, words
from kohya_wrap.config.importing.gui_fields import GuiFields, tables
from kohya_wrap.config.importing.gui_network import Network
from kohya_wrap.config.importing.gui_rules import RULES
from kohya_wrap.config.importing.source import Source
from kohya_wrap.domain import gui_file

KIND = "kohya_ss GUI config"


def read(path: Path, data: Mapping[str, Any]) -> Source:
    """
    Raises:
        ConfigError: no config of the GUI, or one that trains no LoRA for SD 1.5 or SDXL.
    """
    if not gui_file.looks_like_one(data):
        signs = ", ".join(gui_file.SIGNS)
        raise refusal.no_config(path, f"It is JSON, but has none of the kohya_ss GUI's fields {signs}.")
    data, wrong = gui_types.sorted_out(data, tables())
    network = _network(path, data, {one.field: one.why for one in wrong})
    gui = GuiFields(data)
    for one in wrong:
        option = "max_train_epochs" if one.field == "epoch" else tables()["renamed"].get(one.field, one.field)
        gui.ledger.lose(one.field, one.value, one.why, option)
    gui.ledger.keep("LoRA_type", "network_module", network.module)
    if network.arguments:
        texts = [text.replace('"', "") for _, text in network.arguments]
        gui.ledger.keep(", ".join(network.fields), "network_args", list(dict.fromkeys(texts)))
    for field, raw in data.items():
        _field(gui, field, raw, network)
    for rule in RULES:
        rule(gui)
    _additional_parameters(gui)
    for field, raw in data.items():
        if not gui.ledger.has_booked(field):
            _unclaimed(gui, field, raw)
    conflicts.settle(gui.ledger)
    return gui.ledger.close(path, KIND, base=gui.base, prompts=gui.prompts)


def _network(path: Path, data: Mapping[str, Any], wrong: Mapping[str, str]) -> Network:
    """Its network; where it is another training, what it is is said."""
    if "LoRA_type" in wrong:
        raise refusal.no_config(path, f"Its field `LoRA_type` {wrong['LoRA_type']}.")
    if "LoRA_type" not in data:
        for field, what in tables()["other_tabs"].items():
            if field in data:
                raise refusal.other_training(path, what, f"It has the field `{field}` and no `LoRA_type`")
    if "LoRA_type" not in data and "network_dim" not in data:
        sign = "It has neither `LoRA_type` nor `network_dim`"
        raise refusal.other_training(path, "a training of the whole model", sign)
    for switch, family in tables()["other_family_switches"].items():
        if data.get(switch):
            raise refusal.other_training(path, f"a {family} LoRA", f"Its field `{switch}` is on")
    if data.get("v2"):
        raise refusal.other_training(path, "a LoRA for Stable Diffusion 2", "Its field `v2` is on")
    kind = str(data.get("LoRA_type", "Standard"))
    network = gui_network.of(kind, data)
    if network is None:
        raise refusal.other_training(path, f"a LoRA of type {kind}", "The engine at our pin has no such LoRA")
    return network


def _field(gui: GuiFields, field: str, raw: Any, network: Network) -> None:
    known = tables()
    option = known["renamed"].get(field, field)
    if field in known["ruled"]["names"]:
        return
    if field in known["network"]["names"]:
        _network_field(gui, field, raw, network)
    elif field in known["zero_left_out"]["names"] and not gui.has(field):
        _left_out(gui, field, option, raw)
    elif not gui.has(field):
        gui.ledger.unset(field)
    elif field in known["gui_only"]:
        gui.ledger.drop(field, raw, known["gui_only"][field])
    elif _of_another_family(field):
        gui.ledger.drop(field, raw, "it is for other model families")
    else:
        gui.ledger.take(field, option, raw)


def _unclaimed(gui: GuiFields, field: str, raw: Any) -> None:
    """A field of which no rule made anything."""
    if gui.has(field) and raw != "none":
        gui.ledger.lose(field, raw, "the GUI makes nothing of this value")
    else:
        gui.ledger.unset(field)


def _network_field(gui: GuiFields, field: str, raw: Any, network: Network) -> None:
    if field in network.fields:
        return
    if raw in ("", None):
        gui.ledger.unset(field)
    else:
        kind = gui.data.get("LoRA_type", "Standard")
        gui.ledger.drop(field, raw, f"a LoRA of type {kind} does not use it")


def _left_out(gui: GuiFields, field: str, option: str, raw: Any) -> None:
    default = gui.ledger.table[option].default
    if raw in ("", None) or default == 0:
        gui.ledger.unset(field)
    else:
        gui.ledger.lose(field, raw, f"the GUI leaves a 0 out, so it trains with the engine's {default}")


def _additional_parameters(gui: GuiFields) -> None:
    text = str(gui.data.get("additional_parameters") or "")
    if text.strip():
        gui.ledger.keep_account_of("additional_parameters")
    for given in words.read(text.replace('"', "").split(), gui.ledger.table):
        source = f"additional_parameters {given.word}"
        if given.why:
            gui.ledger.lose(source, given.value, given.why)
        else:
            gui.ledger.take(source, given.option, given.value)


def _of_another_family(field: str) -> bool:
    others = tables()["other_families"]
    return field in others["names"] or field.startswith(tuple(others["prefixes"]))
