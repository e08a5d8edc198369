"""Which base model a config means, and what is known of it before its file is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap import resources
from kohya_wrap.config.user import UserConfig
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.engine import catalogue, reference, weights
from kohya_wrap.engine.catalogue import Base
from kohya_wrap.engine.reference import Catalogued, Reference
from kohya_wrap.engine.weights import Weights
from kohya_wrap.errors import EngineError, UsageError
from kohya_wrap.places import Places
from kohya_wrap.workflow import base_words


@dataclass(frozen=True)
class Facts:
    """`noise_by`: "catalogue" or "header", whichever says that it predicts noise; empty where none does."""

    family: FamilyName
    v_prediction: bool = False
    zero_terminal_snr: bool = False
    noise_by: str = ""


def of(asked: Mapping[str, Any], user: UserConfig, places: Places, *, needed: bool) -> Reference | None:
    """The file the config names; where it is missing, what the catalogue knows by that name, or the project's base.

    Args:
        asked: the options as the user gave them, in the file or by environment.

    Raises:
        EngineError: `needed`, and nothing is known of it.
        UsageError: `[kohya_wrap] base` is none.
    """
    known = catalogue.load(resources.presets())
    path = asked.get("pretrained_model_name_or_path", "")
    if path.startswith(reference.ELSEWHERE):
        return reference.parse(path, known)
    by_name = reference.named_like(path, known) if path else None
    if by_name is not None and (not Path(path).exists() or weights.is_stored(by_name, Path(path), places)):
        return by_name  # our own link too, so that its VAE comes with it
    if path and Path(path).exists():
        return reference.parse(path, known)
    if user.wrapper.base:
        return named(user)
    if not needed:
        return None
    where = user.lines.get("pretrained_model_name_or_path", user.path.name)
    reason, hint = base_words.remedy(path, user.path.parent) if path else ("", "")
    if reason:
        raise EngineError(
            f"{where}: {reason}.", why="The base model is a file, or a folder, that is here.", hint=hint
        )
    raise EngineError(
        f"{where}: the base model {path} is not there." if path else f"{where} names no base model.",
        why="No catalogue entry has a file of that name, so it cannot be fetched either.",
        hint="Mend pretrained_model_name_or_path, or take a known base "
        f'({", ".join(known.bases)}): [kohya_wrap] base = "sd15"',
    )


def named(user: UserConfig) -> Reference | None:
    """What `[kohya_wrap] base` says. Raises UsageError: it is none."""
    if not user.wrapper.base:
        return None
    try:
        return reference.parse(user.wrapper.base, catalogue.load(resources.presets()), user.path.parent)
    except UsageError as error:
        raise UsageError(f"[kohya_wrap] base: {error.message}", why=error.why, hint=error.hint) from None


def denied(asked: Mapping[str, Any], user: UserConfig, facts: Facts) -> tuple[Finding, ...]:
    """The family that `[kohya_wrap] base` names, where the file that is trained on is of another."""
    name = user.wrapper.base.lower().partition(":")[0]
    known = catalogue.load(resources.presets()).bases.get(name)
    if known is None or known.family is facts.family or not asked.get("pretrained_model_name_or_path"):
        return ()
    return (Finding(
        Level.WARNING, "base-denied",
        f'[kohya_wrap] base = "{user.wrapper.base}" is {FAMILIES[known.family].title}, and pretrained_model_name_or_path is '
        f"{FAMILIES[facts.family].title}: that file is trained on.",
        "Remove one of the two lines.", user.wrapper_lines.get("base", ""),
    ),)  # fmt: skip


def facts(base: Reference | None, models: Path, places: Places, *, allow_pickle: bool) -> Facts | None:
    """From the file's header where it is here, else from the catalogue; None where nothing is known yet."""
    found = weights.find(base, models, places, allow_pickle=allow_pickle) if base is not None else None
    if found is not None:
        return of_weights(found)
    return of_catalogue(base.base) if isinstance(base, Catalogued) else None


def of_catalogue(base: Base) -> Facts:
    v_prediction = base.options.v_parameterization
    return Facts(
        base.family, v_prediction, base.options.zero_terminal_snr, "" if v_prediction else "catalogue"
    )


def of_weights(found: Weights) -> Facts:
    return Facts(found.family, found.v_prediction, found.zero_terminal_snr, found.noise_by)
