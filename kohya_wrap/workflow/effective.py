"""From a config file to what it means: read, settle by origin, check. Nothing is fetched, nothing written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kohya_wrap import resources
from kohya_wrap.config import by_hand, check, option_table, presets, resolve, user
from kohya_wrap.config.limits import Machine
from kohya_wrap.config.presets import Presets, RecipeForFamily
from kohya_wrap.config.user import UserConfig
from kohya_wrap.domain.captions import CaptionStyle
from kohya_wrap.domain.config import Layer, TrainingConfig
from kohya_wrap.domain.family import FAMILIES, Family, FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.options import OptionTable
from kohya_wrap.errors import ConfigError
from kohya_wrap.host import toml_file
from kohya_wrap.host.toml_file import UserToml
from kohya_wrap.places import Places, Project
from kohya_wrap.workflow import assumed, base_model, inputs, off_target
from kohya_wrap.workflow.base_model import Facts

# Files are looked for by these before anything is checked.
LOOKED_FOR = (
    "pretrained_model_name_or_path",
    "vae",
    "train_data_dir",
    "reg_data_dir",
    "dataset_config",
    "caption_extension",
)


@dataclass(frozen=True)
class ConfigRequest:
    """What was asked of `config show` and `config check`; `words` are those of --set."""

    config: Path
    gpu: str = "auto"
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """All that the user says, before anything is laid under it."""

    user: UserConfig
    by_hand: tuple[Layer, ...]  # of the environment, and of --set

    @property
    def values(self) -> dict[str, Any]:
        values = dict(self.user.values)
        for layer in self.by_hand:
            values |= layer.values
        return values

    def where(self, name: str) -> str:
        """What says it, as findings name the place: a line of the file, a variable, `--set`."""
        by_hand = [layer for layer in self.by_hand if name in layer.values]
        if by_hand:
            return by_hand[-1].details.get(name, by_hand[-1].detail)
        return self.user.lines.get(name, "")


@dataclass(frozen=True)
class Effective:
    """What a config means on one machine, for one family of base models."""

    asked: Asked
    machine: Machine
    facts: Facts
    family: Family
    recipe: RecipeForFamily
    table: OptionTable
    config: TrainingConfig
    findings: tuple[Finding, ...]


def read(config: Path, words: tuple[str, ...], env: Mapping[str, str]) -> Asked:
    """The file, the variables, the words.

    Raises:
        ConfigError: the file cannot be read, or is of something else. UsageError: a word is not key=value.
    """
    return asked_in(toml_file.read(config), words, env)


def asked_in(source: UserToml, words: tuple[str, ...], env: Mapping[str, str]) -> Asked:
    """As `read`, of a file that is read already."""
    config = source.path
    _refuse_dataset_config(source)
    read = user.read_user(source)
    if check.is_of_something_else(read):
        raise ConfigError(
            f"{config} is no training config.",
            why=f"None of its {len(read.values)} keys is an option of the engine.",
            hint="Name the training_config.toml, or make one: kohya-wrap init",
        )
    folder = config.parent
    read = by_hand.with_words(read, words)
    return Asked(read, (by_hand.from_environment(env, folder), by_hand.from_command_line(words, folder)))


def _refuse_dataset_config(source: UserToml) -> None:
    """The folders that a config names by it; by itself it would be read as a config that says nothing."""
    if "datasets" in source.data and source.data.keys() <= {"general", "datasets"}:
        raise ConfigError(
            f"{source.path} is a dataset_config, and no training config.",
            why="It names folders of images; what is trained with them stands in the config that names it.",
            hint=f'Write dataset_config = "{source.path.name}" into a training_config.toml beside it, and name that.',
        )


def of(request: ConfigRequest, places: Places, env: Mapping[str, str]) -> Effective:
    """What the config means, on any machine: no dataset, base, card or engine need be here.

    Raises:
        ConfigError, UsageError: as `read`; no preset of the card's name.
    """
    return meant(read(request.config, request.words, env), request.gpu, places, env)


def meant(asked: Asked, gpu: str, places: Places, env: Mapping[str, str]) -> Effective:
    """As `of`, of what is read already."""
    known = presets.load(resources.presets())
    machine, card_said = assumed.machine(gpu, asked.user, known, env)
    facts, base_said = assumed.facts(asked.values, asked.user, places)
    found = settled(asked, facts, machine, known)
    project = Project(asked.user.path.parent.absolute())
    sound = check.sound(found.config, found.table, found.family.script)
    base = assumed.reference(asked.values, asked.user, places) if sound.get("vae") else None  # may bring it
    missing = inputs.missing(sound, asked.user.lines, base, project.models)
    other_rank = inputs.of_another_rank(sound, asked.user.lines)
    images = inputs.images(sound, asked.user.lines, project, found.family.script)
    in_the_way = inputs.in_the_way(sound, asked.user.lines)
    denied = base_model.denied(asked.values, asked.user, facts)
    said = (*card_said, *base_said, *denied, *found.findings, *missing, *other_rank, *in_the_way, *images)
    if not any(finding.level is Level.ERROR for finding in said):  # by values that are right
        said += off_target.by_names(asked.user, found.config, project)
    return replace(found, findings=in_order(said))


def in_order(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """What weighs most last, where it is read first; else as the lines stand in the file."""
    levels = list(Level)

    def place(finding: Finding) -> tuple[int, int]:
        line = finding.where.rpartition(":")[2]
        return levels.index(finding.level), int(line) if line.isdecimal() else 0

    return tuple(sorted(findings, key=place))


def settled(
    asked: Asked,
    facts: Facts,
    machine: Machine,
    known: Presets,
    *,
    captions: CaptionStyle | None = None,
    caption_extension: str = ".txt",
) -> Effective:
    """Lay the origins over each other and check the result; what was mapped when it was read is among the findings."""
    family = FAMILIES[facts.family]
    recipe = known.recipe_for(asked.user.wrapper.subject).for_family(facts.family, captions)
    config, said = resolve.resolve(
        asked.user,
        family=family,
        v_prediction=facts.v_prediction,
        zero_terminal_snr=facts.zero_terminal_snr,
        recipe=recipe,
        machine=machine,
        caption_extension=caption_extension,
        by_hand=asked.by_hand,
    )
    table = option_table.for_script(family.script)
    found = check.check(config, table, family.script, asked.user.lines)
    unused = check.unused_section(asked.user, config, table, family.script)
    of_base = check.check_base(
        config,
        asked.user.lines,
        v_prediction=facts.v_prediction,
        noise_by=facts.noise_by,
        sd15=facts.family is FamilyName.SD15,
    )
    findings = (*asked.user.findings, *said, *found, *of_base, *unused)
    return Effective(asked, machine, facts, family, recipe, table, config, in_order(findings))


def whatever_the_family(asked: Asked, machine: Machine, known: Presets) -> tuple[Finding, ...]:
    """What is to be said of a config whose base is not known yet: only the errors that it has with every family."""
    by_family = [settled(asked, Facts(family), machine, known).findings for family in FAMILIES]
    errors = [{(f.code, f.where) for f in found if f.level is Level.ERROR} for found in by_family]
    everywhere = set.intersection(*errors)
    return tuple(f for f in by_family[0] if f.level is not Level.ERROR or (f.code, f.where) in everywhere)


def refuse_no_paths(asked: Asked, machine: Machine, known: Presets, names: Sequence[str]) -> None:
    """Raises ConfigError: under one of these names, by which files are looked for, stands an address or no text."""
    values = (value for name in names if (value := asked.values.get(name)))
    if any(not isinstance(value, str) or check.is_address(value) for value in values):
        refuse(whatever_the_family(asked, machine, known))


def refuse(findings: tuple[Finding, ...]) -> None:
    """Raises ConfigError: there is an error among them; all are attached."""
    errors = [finding for finding in findings if finding.level is Level.ERROR]
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} more, above)" if len(errors) > 1 else ""
        raise ConfigError(
            f"{first.where}: {first.message}{more}" if first.where else first.message + more,
            why="The engine would ignore it or fail on it late, so nothing was started.",
            hint=first.hint,
            findings=findings,
        )
