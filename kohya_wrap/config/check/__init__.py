"""What is wrong with an effective config, all at once, before anything is started."""

from __future__ import annotations

from collections.abc import Mapping

from kohya_wrap.config import option_table, render
from kohya_wrap.config.check import (
    addresses,
    arguments,
    blocks,
    captions,
    classes,
    dataset,
    filled,
    hub,
    idle,
    learning,
    lycoris,
    network,
    options,
    paths,
    precision,
    prediction,
    saving,
    schedules,
    watching,
)
from kohya_wrap.config.check.addresses import is_address
from kohya_wrap.config.check.plan import check_plan
from kohya_wrap.config.check.prediction import check_base
from kohya_wrap.config.check.seen import Rule, Seen
from kohya_wrap.config.user import UserConfig
from kohya_wrap.config.wrapper_section import WrapperSection
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig, settle
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.options import OptionTable
from kohya_wrap.host import toml_file

__all__ = [
    "check",
    "check_base",
    "check_plan",
    "check_value",
    "is_address",
    "is_of_something_else",
    "sound",
    "unused_section",
]

RULES: tuple[Rule, ...] = (
    addresses.addresses,
    paths.empty,
    paths.variables,
    paths.windows,
    saving.names,
    saving.ending,
    saving.format,
    saving.resume,
    hub.upload,
    hub.resume,
    dataset.other_sources,
    dataset.only_shown,
    dataset.resolution,
    dataset.latents,
    captions.text_encoder_cache,
    captions.kept_tokens,
    captions.token_warm_up,
    captions.separator,
    captions.all_dropped,
    captions.clip_skip,
    prediction.v_prediction,
    prediction.second_generation,
    network.parts,
    network.partners,
    network.dylora,
    blocks.blocks,
    lycoris.same_switch,
    lycoris.dylora,
    lycoris.preset_file,
    network.base_weights,
    network.from_weights,
    arguments.network,
    arguments.optimizer,
    arguments.scheduler,
    classes.optimizer,
    classes.scheduler,
    learning.two_optimizers,
    learning.adaptive_rates,
    learning.adafactor_rates,
    learning.rates_of_parts,
    learning.nothing_trained,
    learning.steps_and_epochs,
    learning.noise,
    schedules.warm_up,
    schedules.warm_up_longer,
    saving.never,
    schedules.decay,
    schedules.scheduler,
    schedules.needs,
    schedules.lowest_rate,
    schedules.idle_scheduler_options,
    idle.idle,
    idle.scheduler,
    idle.cache,
    precision.half_precision,
    precision.sdxl_vae,
    precision.kernels,
    precision.checkpointing,
    precision.deepspeed,
    precision.workers,
    watching.samples,
    watching.logs,
    watching.secrets,
    watching.tokens,
    filled.filled,
)


def check(
    config: TrainingConfig, table: OptionTable, script: str, lines: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Unknown options, wrong types, values outside their choices, and what ruins a run."""
    wrong = (finding for _, finding in options.wrong_values(Seen(config, script, lines), table))
    seen = Seen(sound(config, table, script), script, lines)
    unread = _unread(seen, table)
    return (*wrong, *unread, *(finding for rule in RULES for finding in rule(seen)))


def sound(config: TrainingConfig, table: OptionTable, script: str) -> TrainingConfig:
    """The config without what is unknown, of a wrong type or out of range: what rules may rely on."""
    wrong = dict(options.wrong_values(Seen(config, script, {}), table))
    return TrainingConfig({name: value for name, value in config.values.items() if name not in wrong})


def _unread(seen: Seen, table: OptionTable) -> tuple[Finding, ...]:
    """What the engine's old TOML reader cannot take, in whatever way it is written for it."""
    return tuple(
        seen.error(
            "engine-reader",
            name,
            f"`{name}` holds a text that the engine's TOML reader would lose or change.",
            "Write it without control characters, and without a backslash before an x.",
        )
        for name in toml_file.lost(render.as_engine_reads(seen.config, table))
    )


def is_of_something_else(user: UserConfig) -> bool:
    """A file with keys of which none is, or comes near, an option: of another program."""
    return len(user.values) > 1 and says_nothing(user)


def says_nothing(user: UserConfig) -> bool:
    """Nothing in it is, or comes near, an option."""
    table = option_table.for_script("sdxl_train_network.py")  # has all that train_network.py has
    meant = any(options.meant(name, table) for name in user.values)
    return not meant and not user.gpu and user.wrapper == WrapperSection()


def check_value(name: str, value: object, table: OptionTable, script: str) -> tuple[Finding, ...]:
    """What is wrong with one value by itself, whatever stands beside it."""
    alone = Seen(settle([Layer(Origin.COMMAND_LINE, {name: value})]), script, {})
    return tuple(finding for _, finding in options.wrong_values(alone, table))


def unused_section(
    user: UserConfig, config: TrainingConfig, table: OptionTable, script: str
) -> tuple[Finding, ...]:
    """What is wrong in a `[gpu]` whose values are not in use: it will be, on the card it was written for."""
    unused = {
        name: value
        for name, value in user.gpu.items()
        if name != "preset" and config.detail(name) != user.gpu_lines.get(name)
    }
    section = settle([Layer(Origin.GPU, unused, "[gpu]", user.gpu_lines)])
    return tuple(finding for _, finding in options.wrong_values(Seen(section, script, {}), table))
