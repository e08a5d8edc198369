"""What is wrong with an effective config, all at once, before anything is started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kohya_wrap.domain.buckets import parse_resolution
from kohya_wrap.domain.config import Origin, TrainingConfig
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.options import OptionTable, nearest
from kohya_wrap.domain.steps import StepPlan

# Kept by kohya-wrap itself: the engine's parser has them, a config has no business setting them.
_NOT_IN_A_CONFIG = frozenset({"config_file", "output_config"})

# Counted or divided with, here and in the engine.
_ABOVE_ZERO = (
    "train_batch_size", "gradient_accumulation_steps", "max_train_epochs", "max_train_steps",
    "save_every_n_epochs", "save_every_n_steps", "network_dim", "bucket_reso_steps",
)  # fmt: skip


def check(
    config: TrainingConfig, table: OptionTable, script: str, lines: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Unknown options, wrong types, values outside their choices, and what ruins a run."""
    found: list[Finding] = []
    sound = dict(config.values)  # the rules rely on right types
    for name, value in config.values.items():
        where = _where(config, name, lines)
        if name not in table or name in _NOT_IN_A_CONFIG:
            found.append(_unknown(name, table, script, where))
        elif why := table[name].refuses(value.value):
            found.append(
                Finding(Level.ERROR, "wrong-value", f"`{name}` {why}.", "Mend the value there.", where)
            )
        elif name in _ABOVE_ZERO and value.value is not None and value.value < 1:
            message = f"`{name} = {value.value}` cannot be meant: it must be 1 or more."
            found.append(Finding(Level.ERROR, "below-one", message, "Mend the value there.", where))
        else:
            continue
        del sound[name]
    found += _rules(TrainingConfig(sound), script, lines)
    return tuple(found)


def _where(config: TrainingConfig, name: str, lines: Mapping[str, str]) -> str:
    """The line of the user's file where the value stands there, else what else set it."""
    value = config.values.get(name)
    if value is None or value.origin is Origin.FILE:
        return lines.get(name, "")
    return value.detail


def _unknown(name: str, table: OptionTable, script: str, where: str) -> Finding:
    if name in _NOT_IN_A_CONFIG:
        return Finding(
            Level.ERROR, "not-in-a-config", f"`{name}` is kohya-wrap's own affair.", "Remove it.", where
        )
    close = nearest(name, table)
    return Finding(
        Level.ERROR,
        "unknown-option",
        f"`{name}` is no option of {script}: it would be ignored in silence.",
        f"Write `{close}`." if close else "Remove it.",
        where,
    )


def _rules(config: TrainingConfig, script: str, lines: Mapping[str, str]) -> Iterator[Finding]:
    def finding(level: Level, code: str, name: str, message: str, hint: str) -> Finding:
        return Finding(level, code, message, hint, _where(config, name, lines))

    name = str(config.get("output_name", ""))
    if "/" in name or "\\" in name:
        yield finding(
            Level.ERROR, "output-name", "output_name",
            f"`output_name = {name!r}` holds a slash: the engine fails at the first save.",
            "Put the folder into output_dir.",
        )  # fmt: skip
    for other in ("dataset_config", "in_json"):
        if config.get(other):
            yield finding(
                Level.ERROR, "dataset-config", other,
                f"`{other}` is not understood by kohya-wrap yet: what it names would be trained on uncounted.",
                "Put the images into training_data/N_concept folders and remove the line.",
            )  # fmt: skip
    yield from _resolution(config, script, lines)
    if config.get("lr_scheduler", "constant") == "constant" and config.get("lr_warmup_steps"):
        yield finding(
            Level.ERROR, "warmup-constant", "lr_warmup_steps",
            "the scheduler `constant` takes no warm-up: the engine refuses it.",
            'Write lr_scheduler = "constant_with_warmup", or lr_warmup_steps = 0.',
        )  # fmt: skip
    steps_from = config.origin("max_train_steps")
    if config.get("max_train_epochs") and steps_from is not None and steps_from >= Origin.FILE:
        yield finding(
            Level.WARNING, "steps-dropped", "max_train_steps",
            "`max_train_steps` has no effect beside `max_train_epochs`.",
            "Remove one of the two.",
        )  # fmt: skip


def _resolution(config: TrainingConfig, script: str, lines: Mapping[str, str]) -> Iterator[Finding]:
    """The resolution, and the bucket sides and steps that the engine accepts for it."""
    written = config.get("resolution")
    if written is None:
        return
    try:
        sides = parse_resolution(written)
    except ValueError:
        yield Finding(
            Level.ERROR, "resolution", f'`resolution = {written!r}` is not "512" or "512,768".',
            'Write resolution = "512,512".', _where(config, "resolution", lines),
        )  # fmt: skip
        return
    if not config.get("enable_bucket"):
        return
    step, multiple = config.get("bucket_reso_steps", 64), 32 if script.startswith("sdxl") else 64
    if step % multiple:
        yield Finding(
            Level.ERROR, "bucket-steps",
            f"`bucket_reso_steps = {step}` is no multiple of {multiple}: {script} refuses it.",
            f"Write bucket_reso_steps = {multiple}.", _where(config, "bucket_reso_steps", lines),
        )  # fmt: skip
    low, high = config.get("min_bucket_reso", 256), config.get("max_bucket_reso", 1024)
    # Rounded to steps as the engine does before it looks; with bucket_no_upscale it looks all the same.
    if not step <= low - low % step <= min(sides) <= max(sides) <= high + -high % step:
        yield Finding(
            Level.ERROR, "bucket-range",
            f"min_bucket_reso {low} to max_bucket_reso {high} does not hold the resolution {written}.",
            f"Write min_bucket_reso = {max(step, min(low, *sides))}, max_bucket_reso = {max(high, *sides)}.",
            _where(config, "max_bucket_reso" if max(sides) > high else "min_bucket_reso", lines),
        )  # fmt: skip


def check_plan(config: TrainingConfig, plan: StepPlan, lines: Mapping[str, str]) -> tuple[Finding, ...]:
    """What only shows once the steps are known."""
    found = []
    warmup = config.get("lr_warmup_steps", 0)
    steps = int(warmup) if isinstance(warmup, int) else int(warmup * plan.steps)
    if plan.steps and steps >= plan.steps:
        found.append(
            Finding(
                Level.WARNING,
                "warmup-longer-than-run",
                f"the warm-up of {steps} steps is as long as the run of {plan.steps}: "
                "the full learning rate is never reached.",
                f"Write lr_warmup_steps = {max(1, plan.steps // 20)}, or train longer.",
                _where(config, "lr_warmup_steps", lines),
            )
        )
    return tuple(found)
