"""A dataset checked for the config that will train it, or for the guide's values where it has none yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.config.limits import Machine
from kohya_wrap.config.presets import Subject
from kohya_wrap.dataset import captions, check, folders, inventory
from kohya_wrap.dataset.check.result import Checked
from kohya_wrap.dataset.folders import Folder
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.dataset import Inventory
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.engine import tokenizers
from kohya_wrap.places import Places, Project
from kohya_wrap.workflow import (
    assumed,
    bare_folder,
    bucketing,
    built_trigger,
    check_each,
    dataset_config,
    dataset_values,
    effective,
    held_elsewhere,
    off_target,
    uncountable,
)
from kohya_wrap.workflow.base_model import Facts
from kohya_wrap.workflow.configured import Configured
from kohya_wrap.workflow.effective import Asked, Effective

_FOLDERS = ("train_data_dir", "reg_data_dir")
_LOOKED_FOR = (*_FOLDERS, "caption_extension")


@dataclass(frozen=True)
class CheckRequest:
    """What was asked of `dataset check`.

    Attributes:
        where: a config, a project with one, or a folder with the images.
        family: empty: the base's; so subject and trigger are the config's.
    """

    where: Path
    gpu: str = "auto"
    words: tuple[str, ...] = ()
    family: str = ""
    subject: Subject | None = None
    trigger: str | None = None


@dataclass(frozen=True)
class DatasetCheck:
    """Attributes:
    config: None where a folder alone was named.
    configs: of each dataset of a dataset_config; else the one.
    of_images: folders in which images lie, and nothing is to be written but captions.
    """

    config: Path | None
    folder: Path
    of_images: frozenset[Path]
    meant: Effective
    settings: check.Settings
    checked: Checked
    findings: tuple[Finding, ...]
    configs: tuple[TrainingConfig, ...]


OnImages = Callable[[int, int], None]  # images read, of how many


def run(request: CheckRequest, places: Places, env: Mapping[str, str], on_images: OnImages) -> DatasetCheck:
    """Read, look, count; nothing is written.

    Raises:
        ConfigError: it cannot be read, or what images are counted by is wrong in it. UsageError.
        DatasetError: no images at all.
    """
    config = bare_folder.config_of(request.where)
    bare = None if config else bare_folder.of(request.where, request.words, env, family=request.family)
    asked = _as_told(
        bare.asked if bare else effective.read(config or request.where, request.words, env), request
    )
    known = presets.load(resources.presets())
    machine, card_said = assumed.machine(request.gpu, asked.user, known, env)
    facts, base_said = (
        (Facts(FamilyName.SD15), ()) if bare else assumed.facts(asked.values, asked.user, places)
    )
    if request.family:
        facts, base_said = Facts(FamilyName(request.family)), ()
    effective.refuse_no_paths(asked, machine, known, _LOOKED_FOR)
    seen = _seen(asked, on_images, loose=bool(bare and bare.loose))
    meant = _meant(asked, facts, machine, known, seen.found)
    if seen.configured:
        effective.refuse(dataset_values.findings(seen.configured.file, meant.config, meant.family.script))
        meant = replace(meant, config=seen.configured.cacheable(meant.config))
    built = _built(seen.found) if request.trigger is None else {}
    settings = _settings(meant, places, config, base_said, built, configured=bool(seen.configured))
    known_before = (*(bare.findings if bare else ()), *(seen.regular.findings if seen.regular else ()))
    if seen.configured:
        configs, checked = check_each.of_each(seen.configured, seen.looks, settings, known_before)
        meant = replace(meant, config=configs[0])
    else:
        configs = (meant.config,)
        checked = check.check(seen.found, seen.looks, settings, seen.regular, known_before)
    assumptions = (finding for finding in base_said if finding.code == "family-assumed")
    off = off_target.of_plan(asked.user, meant.config, checked.plan)
    project = Project(seen.folder.absolute().parent)
    aside = held_elsewhere.findings(project) if seen.folder.absolute() == project.training_data else ()
    findings = effective.in_order((*card_said, *assumptions, *checked.findings, *off, *aside))
    return DatasetCheck(
        config, seen.folder, _of_images(seen, asked, config), meant, settings, checked, findings, configs
    )


def _of_images(seen: _Seen, asked: Asked, config: Path | None) -> frozenset[Path]:
    """Those with images, and those that hold these alone: not where the config lies, with its output."""
    subsets = (*seen.found.subsets, *(seen.regular.subsets if seen.regular else ()))
    named = [Path(value) for name in _FOLDERS if (value := asked.values.get(name)) and not seen.configured]
    above = [seen.folder] if config is None else named
    project = config.parent.resolve() if config else None
    apart = {folder for folder in above if project is None or not project.is_relative_to(folder.resolve())}
    return frozenset({subset.folder for subset in subsets} | apart)


@dataclass(frozen=True)
class _Seen:
    """Attributes:
    folder: that holds them; of a dataset_config its own.
    configured: the dataset_config that names them; None where the options name folders.
    """

    folder: Path
    found: Inventory
    looks: check.Looks
    regular: Inventory | None
    configured: Configured | None = None


def _seen(asked: Asked, on_images: OnImages, *, loose: bool) -> _Seen:
    """Every image, read to its last byte.

    Raises:
        ConfigError, DatasetError: as dataset_config.survey, dataset.check.survey.
    """
    values = asked.values
    if named := values.get("dataset_config"):
        read, looks = check.looking(_counting([], on_images))
        where = asked.where("dataset_config")
        configured = dataset_config.survey(Path(named), values, where, read)
        return _Seen(Path(named).parent, configured.seen, looks, configured.regular, configured)
    folder = Path(values.get("train_data_dir") or Project(asked.user.path.parent.absolute()).training_data)
    listed = (folders.numbered(folder) or (folders.loose(folder, 1),)) if folder.is_dir() else ()
    counting = _counting(listed, on_images)
    found, looks = check.survey(folder, values.get("caption_extension"), counting, loose=loose)
    return _Seen(folder, found, looks, _regular(asked, found))


def _as_told(asked: Asked, request: CheckRequest) -> Asked:
    wrapper = asked.user.wrapper
    subject = wrapper.subject if request.subject is None else request.subject
    trigger = wrapper.trigger if request.trigger is None else request.trigger
    wrapper = replace(wrapper, subject=subject, trigger=trigger)
    return replace(asked, user=replace(asked.user, wrapper=wrapper))


def _counting(listed: Sequence[Folder], on_images: OnImages) -> Callable[[], None]:
    total = sum(len(one.images) for one in listed)
    seen = iter(range(1, total + 1))
    return lambda: on_images(next(seen, total), total)


def _regular(asked: Asked, found: Inventory) -> Inventory | None:
    """The regularisation images, most of which have no captions: the class tokens are what they are for."""
    folder = asked.values.get("reg_data_dir")
    if not folder:
        return None
    seen = inventory.survey(Path(folder), found.caption_extension, option="reg_data_dir")
    return replace(seen, findings=tuple(finding for finding in seen.findings if finding.code != "no-caption"))


def _meant(
    asked: Asked, facts: Facts, machine: Machine, known: presets.Presets, found: Inventory
) -> Effective:
    """Raises ConfigError: what is said of the images is wrong, or what they are counted by."""
    meant = effective.settled(
        asked,
        facts,
        machine,
        known,
        captions=captions.style_of(found),
        caption_extension=found.caption_extension,
    )
    effective.refuse(uncountable.errors(meant))
    return meant


def _settings(
    meant: Effective,
    places: Places,
    config: Path | None,
    base_said: tuple[Finding, ...],
    built: Mapping[Path, str],
    *,
    configured: bool,
) -> check.Settings:
    wrapper = meant.asked.user.wrapper
    vocabulary = tokenizers.find(places)
    wrong = any(finding.level is Level.ERROR for finding in (*meant.findings, *base_said))
    return check.Settings(
        config=meant.config,
        family=meant.family,
        rule=bucketing.rule(meant.config),
        subject=wrapper.subject,
        trigger=wrapper.trigger,
        target_steps=wrapper.target_steps or meant.recipe.steps,
        config_ready=not wrong if config else None,
        tokenizer=vocabulary / tokenizers.NAMES[0] if vocabulary else None,
        built=built,
        configured=configured,
    )


def _built(found: Inventory) -> dict[Path, str]:
    return {subset.folder: built_trigger.of(subset.folder) for subset in found.subsets}
