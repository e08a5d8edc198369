"""What stands in for the card and the base of a config where they are not here; all that is assumed is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kohya_wrap import resources
from kohya_wrap.config.card_names import memory_named
from kohya_wrap.config.check import is_address
from kohya_wrap.config.limits import Machine
from kohya_wrap.config.presets import Presets
from kohya_wrap.config.user import UserConfig
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.engine import catalogue, kind
from kohya_wrap.engine.reference import Catalogued, Local, Reference
from kohya_wrap.errors import EngineError, UsageError
from kohya_wrap.places import Places
from kohya_wrap.workflow import base_model, base_words
from kohya_wrap.workflow import machine as machines
from kohya_wrap.workflow.base_model import Facts

# Where no card is named, none is here and no [gpu] section says one: the card `init` writes for then.
NEUTRAL_CARD = "RTX 4090"


def machine(
    wanted: str, user: UserConfig, known: Presets, env: Mapping[str, str]
) -> tuple[Machine, tuple[Finding, ...]]:
    """The card that `run` would take here; where there is none, the one that [gpu] was written for, and that is said."""
    written = str(user.gpu.get("preset", ""))
    if wanted == "auto" and user.wrapper.engine == "rehearsal":
        wanted = machines.of_rehearsal(known, written)
    chosen = machines.named(known, wanted, env)
    if chosen is not None:
        return chosen, (*_of_memory(wanted, chosen), *_unknown(user, known, chosen))
    preset = known.by_name(written)
    name = preset.name if preset else NEUTRAL_CARD
    said = Finding(
        Level.NOTE, "card-assumed",
        f"no GPU is here and none was asked for: seen as on {name}"
        + (", which [gpu] was written for." if preset else "."), 'Another card: --gpu "RTX 3090".',
    )  # fmt: skip
    assumed = machines.named(known, name, env)
    assert assumed is not None
    return assumed, _unknown(user, known, assumed) or (said,)


def _unknown(user: UserConfig, known: Presets, chosen: Machine) -> tuple[Finding, ...]:
    written = user.gpu.get("preset")
    if written is None or known.by_name(str(written)) is not None:
        return ()
    said = Finding(
        Level.WARNING, "unknown-preset",
        f"[gpu] was written for {written!r}, which is no preset: seen as on {chosen.preset.name}.",
        'Write the card\'s name, or its memory: preset = "24 GB".', user.gpu_lines.get("preset", ""),
    )  # fmt: skip
    return (said,)


def _of_memory(wanted: str, chosen: Machine) -> tuple[Finding, ...]:
    if chosen.gpu is not None or not memory_named(wanted):
        return ()
    said = Finding(
        Level.NOTE, "memory-class",
        f"{wanted} names no card: its most modest one stands for it, {chosen.preset.in_words()}.",
        "A card's own figures: --gpu with its name.",
    )  # fmt: skip
    return (said,)


def facts(asked: Mapping[str, Any], user: UserConfig, places: Places) -> tuple[Facts, tuple[Finding, ...]]:
    """The base's family from its header, else from the catalogue, else from its name, which is said."""
    path = asked.get("pretrained_model_name_or_path", "")
    where = user.lines.get("pretrained_model_name_or_path", "")
    if not isinstance(path, str) or is_address(path):
        return Facts(FamilyName.SD15), ()  # the check says it
    try:
        base_model.named(user)
    except UsageError as error:
        at = user.wrapper_lines.get("base", "")
        return _guess(path, user), (Finding(Level.ERROR, "base", error.message, error.hint, at),)
    try:
        base = base_model.of(asked, user, places, needed=False)
        if isinstance(base, Local) and base.path.exists():
            found = kind.read_kind(base.path)
            noise_by = "header" if found.says_noise else ""
            seen = Facts(found.family, found.v_prediction, found.zero_terminal_snr, noise_by)
            return seen, _pickle(base.path, where)
    except (EngineError, UsageError) as error:
        return _guess(path, user), (Finding(Level.ERROR, "base", error.message, error.hint, where),)
    if isinstance(base, Catalogued):
        said = Finding(
            Level.NOTE, "base-fetched",
            f"{Path(path).name} is not here: `run` fetches it ({base.file.bytes / 1e9:.1f} GB, {base.base.title}).",
            where=where,
        )  # fmt: skip
        return base_model.of_catalogue(base.base), (said,) if path and not Path(path).exists() else ()
    if isinstance(base, Local) or (base is None and path):
        return _missing(base.path if base else Path(path), user, where)
    if base is None:
        return _guess(path, user), _none(user)
    guessed = _guess(path, user)
    said = Finding(
        Level.NOTE, "family-assumed",
        f"the base is not here, and its name is in no catalogue: checked as {FAMILIES[guessed.family].title}.",
        "`run` reads the family from its header.", where,
    )  # fmt: skip
    return guessed, (said, *_other_kind(path, where))


def reference(asked: Mapping[str, Any], user: UserConfig, places: Places) -> Reference | None:
    """What the config names as its base; None where that cannot be told."""
    if not isinstance(asked.get("pretrained_model_name_or_path", ""), str):
        return None
    try:
        return base_model.of(asked, user, places, needed=False)
    except (EngineError, UsageError):
        return None


def _none(user: UserConfig) -> tuple[Finding, ...]:
    if user.wrapper.engine == "rehearsal":  # needs none
        return ()
    said = Finding(
        Level.ERROR, "no-base", f"{user.path.name} names no base model.",
        'Write pretrained_model_name_or_path = "FILE", or under [kohya_wrap]: base = "sd15".',
    )  # fmt: skip
    return (said,)


def _pickle(path: Path, where: str) -> tuple[Finding, ...]:
    if path.suffix.lower() not in kind.PICKLES:
        return ()
    said = Finding(
        Level.WARNING, "pickle-base", f"{path.name} is a pickle, which `run` refuses.",
        "Take the .safetensors file of the same model, or add --allow-pickle.", where,
    )  # fmt: skip
    return (said,)


def _missing(path: Path, user: UserConfig, where: str) -> tuple[Facts, tuple[Finding, ...]]:
    guessed = _guess(str(path), user)
    if other := _other_kind(path.name, where):
        return guessed, other
    why, hint = base_words.remedy(str(path), user.path.parent)
    said = Finding(
        Level.WARNING, "base-missing",
        f"{why or f'{path.name} is not here'}, and `run` needs it; checked as {FAMILIES[guessed.family].title}.",
        hint or f"Put it there: {path}", where,
    )  # fmt: skip
    return guessed, (said,)


def _other_kind(name: str, where: str) -> tuple[Finding, ...]:
    why, hint = base_words.of_other_kind(name)
    return (Finding(Level.WARNING, "other-kind", f"{why}.", hint, where),) if why else ()


def _guess(path: str, user: UserConfig) -> Facts:
    """By the base that [kohya_wrap] names, where the catalogue knows it; else by the letters of the file's name."""
    base = user.wrapper.base
    known = catalogue.load(resources.presets()).bases.get(base.lower().partition(":")[0])
    if known is not None:
        return Facts(known.family)
    names = Path(path).name.lower() + Path(base).name.lower()
    return Facts(FamilyName.SDXL if "xl" in names else FamilyName.SD15)
