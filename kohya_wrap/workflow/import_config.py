"""Another tool's config to a training_config.toml: read, made whole, written, checked."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap import resources
from kohya_wrap.config import importing, presets, spellings, user
from kohya_wrap.config.importing import completed, document
from kohya_wrap.config.importing.source import Source
from kohya_wrap.config.user import PATHS
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.errors import ConfigError, EngineError, UsageError
from kohya_wrap.host import atomic, toml_file
from kohya_wrap.places import Places, Project
from kohya_wrap.workflow import assumed, base_model, effective
from kohya_wrap.workflow import machine as machines
from kohya_wrap.workflow.base_model import Facts

PROMPTS = "sample_prompts.txt"


@dataclass(frozen=True)
class ImportRequest:
    source: Path
    target: Path
    replace: bool = False


@dataclass(frozen=True)
class Imported:
    """
    Attributes:
        files: what was written; none where the source's LoRA cannot be trained.
        untrainable: why it cannot.
        written: options that the source leaves to the engine, written so that kohya-wrap leaves them too.
        may_differ: why -> options that the source leaves open and kohya-wrap decides.
        family: what the import was checked for; SD 1.5 where neither the source nor its base tells.
    """

    source: Source
    target: Path
    files: tuple[Path, ...]
    written: Mapping[str, Any]
    may_differ: Mapping[str, tuple[str, ...]]
    family: FamilyName
    findings: tuple[Finding, ...]
    untrainable: Finding | None = None


def run(request: ImportRequest, places: Places, env: Mapping[str, str]) -> Imported:
    """Write the config, unless no change of a line could make it train the source's LoRA.

    Where the engine refuses the network itself, an edited config would train another LoRA: nothing is written.
    Where it refuses something beside it (an optimizer whose package is missing), all else is worth having.

    Raises:
        ConfigError: the source is none that can be imported. UsageError: the target is there already.
    """
    source = importing.read(request.source)
    options = completed.options(source)
    prompts = request.target.with_name(PROMPTS) if source.prompts else None
    files = [file for file in (request.target, prompts) if file is not None]
    _refuse_existing(request, files)
    base = source.base
    if "pretrained_model_name_or_path" not in options and not base and source.family is not None:
        base = source.family.value
    text = document.text(source, document.sections(source, options, base))
    asked = effective.Asked(user.read_user(toml_file.of_text(text, request.target)), ())
    facts, found = _checked(asked, source, places, env)
    if prompts is not None:  # they are written with the config
        found = tuple(finding for finding in found if finding.code != "prompts-missing")
    untrainable = _untrainable(asked, found)
    if untrainable is None:
        if prompts is not None:
            atomic.write_text(prompts, source.prompts)
        atomic.write_text(request.target, text)
    family = facts.family if facts else source.family
    return Imported(
        source,
        request.target,
        tuple(files) if untrainable is None else (),
        {name: value for name, value in options.items() if name not in source.options and value is not None},
        completed.may_differ(source, family),
        family or FamilyName.SD15,
        effective.in_order((*source.findings, *_said(source, base), *found)),
        untrainable,
    )


def refuse_untrainable(imported: Imported) -> None:
    """Raises ConfigError: the engine cannot train that kind of LoRA, and nothing was written."""
    if imported.untrainable is not None:
        raise ConfigError(
            f"{imported.source.path.name} trains a LoRA that the engine cannot: {imported.untrainable.message}",
            why="Changed, it would train another LoRA, so nothing was written.",
            hint="Start from a config of your own: kohya-wrap init my-lora",
            findings=(imported.untrainable,),
        )


def _refuse_existing(request: ImportRequest, files: list[Path]) -> None:
    there = [file for file in files if file.exists()]
    if there and not request.replace:
        again = f"kohya-wrap config import {shlex.quote(str(request.source))}"
        raise UsageError(
            f"{there[0]} is there already.",
            why="An import does not overwrite what it did not write.",
            hint=f"{again} --to other.toml   (or --force to replace it)",
        )


def _checked(
    asked: effective.Asked, source: Source, places: Places, env: Mapping[str, str]
) -> tuple[Facts | None, tuple[Finding, ...]]:
    """What `config check` finds in the file, for the base where it is known, else for the source's family."""
    known = presets.load(resources.presets())
    facts, said = _facts(asked, source, places)
    machine = machines.choose(known, "auto", env) or machines.choose(known, assumed.NEUTRAL_CARD, env)
    assert machine is not None
    family = facts.family if facts else source.family
    if family is None:
        return None, (*said, *effective.whatever_the_family(asked, machine, known))
    return facts, (*said, *effective.settled(asked, facts or Facts(family), machine, known).findings)


def _untrainable(asked: effective.Asked, found: tuple[Finding, ...]) -> Finding | None:
    """An error in a line that says what is trained."""
    lines = {asked.user.lines.get(name) for name in ("network_module", "network_args")} - {None}
    return next((f for f in found if f.level is Level.ERROR and f.where in lines), None)


def _facts(
    asked: effective.Asked, source: Source, places: Places
) -> tuple[Facts | None, tuple[Finding, ...]]:
    """Of the base; None where it is not here."""
    where = asked.user.lines.get("pretrained_model_name_or_path", "")
    try:
        base = base_model.of(asked.values, asked.user, places, needed=True)
        facts = base_model.facts(base, Project(asked.user.path.parent).models, places, allow_pickle=False)
    except EngineError as error:
        message = error.message.removeprefix(f"{where}: ")
        return None, (Finding(Level.WARNING, "base-elsewhere", message, error.hint, where),)
    if facts is not None and source.family is not None and facts.family is not source.family:
        title = FAMILIES[facts.family].title
        message = f"the source trains {FAMILIES[source.family].title}, but the base it names is {title}."
        return facts, (
            Finding(Level.WARNING, "family", message, "Name the base that it was made for.", where),
        )
    return facts, ()


def _said(source: Source, base: str) -> tuple[Finding, ...]:
    said = []
    relative = sorted(
        name
        for name in PATHS & source.options.keys()
        if isinstance(path := source.options[name], str)
        and name != "sample_prompts"
        and not Path(path).is_absolute()
        and not _drive(path)
    )
    if relative:
        said.append(Finding(
            Level.NOTE, "relative-paths",
            f"{', '.join(relative)}: relative paths start at the config's folder now, not where the trainer was started.",
        ))  # fmt: skip
    if base and not source.base:
        said.append(Finding(
            Level.NOTE, "base-assumed", f"the source names no base model; it was made for {FAMILIES[FamilyName(base)].title}.",
            f"For another: [kohya_wrap] base, or pretrained_model_name_or_path, instead of base = {spellings.as_toml(base)}.",
        ))  # fmt: skip
    if source.tells_all and source.options.get("caption_extension", ".caption") == ".caption":
        said.append(Finding(
            Level.WARNING, "caption-extension", "the source reads captions from .caption files, the engine's default.",
            'Where yours are .txt files, write caption_extension = ".txt".',
        ))  # fmt: skip
    return tuple(said)


def _drive(path: str) -> bool:
    return path[1:2] == ":"
