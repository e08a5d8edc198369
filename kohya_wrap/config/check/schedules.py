"""How the learning rate goes over the steps: schedulers, what each needs, warm-up and decay."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kohya_wrap.config.check import arguments
from kohya_wrap.config.check.learning import ENGINE_RATE, optimizer_name, relative_step
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding

# What the classes of torch.optim.lr_scheduler cannot be made without; each was made by the engine with these.
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "CosineAnnealingLR": ("T_max=1000",),
    "CosineAnnealingWarmRestarts": ("T_0=500",),
    "CyclicLR": ("base_lr=1e-5", "max_lr=1e-4"),
    "ExponentialLR": ("gamma=0.999",),
    "MultiStepLR": ("milestones=[500, 800]",),
    "OneCycleLR": ("max_lr=1e-4", "total_steps=1000"),
    "StepLR": ("step_size=500",),
    "piecewise_constant": ("step_rules='1:500,0.1:800,0.01'",),
}
# Those that the engine gives what they do not take, or not what they need.
_UNUSABLE = (
    "ChainedScheduler", "LambdaLR", "MultiplicativeLR", "ReduceLROnPlateau", "SequentialLR", "cosine_warmup_with_min_lr",
)  # fmt: skip
_STEP_RULES = re.compile(r"""\s*['"](\s*[\d.e+-]+\s*:\s*\d+\s*,)*\s*[\d.e+-]+\s*['"]\s*""")


def decay(seen: Seen) -> Iterator[Finding]:
    yield from _share(seen, "decay-ratio", "lr_decay_steps")


def _share(seen: Seen, code: str, name: str) -> Iterator[Finding]:
    steps = seen.get(name)
    if isinstance(steps, float) and steps >= 1:
        yield seen.error(
            code, name,
            f"`{name} = {steps}` means {steps:.0%} of the training: with a point it is a share, not steps.",
            f"Write {name} = {int(steps)} for steps, or e.g. 0.05.",
        )  # fmt: skip


def warm_up(seen: Seen) -> Iterator[Finding]:
    steps = seen.get("lr_warmup_steps")
    if not steps:
        return
    yield from _share(seen, "warmup-ratio", "lr_warmup_steps")
    if relative_step(seen):
        yield seen.error(
            "warmup-adafactor", "lr_warmup_steps",
            "Adafactor with relative_step brings its own schedule, which takes no warm-up: the engine refuses it.",
            'Write optimizer_args = ["relative_step=False"], or lr_warmup_steps = 0.',
        )  # fmt: skip
    elif seen.get("lr_scheduler_type"):
        yield seen.error(
            "warmup-scheduler", "lr_warmup_steps", "`lr_scheduler_type` takes no warm-up: the engine refuses it.",
            "Write lr_warmup_steps = 0, or lr_scheduler instead.",
        )  # fmt: skip
    elif seen.get("lr_scheduler", "constant") == "constant" and not _schedule_free(seen):
        yield seen.error(
            "warmup-constant", "lr_warmup_steps",
            "the scheduler `constant` takes no warm-up: the engine refuses it.",
            'Write lr_scheduler = "constant_with_warmup", or lr_warmup_steps = 0.',
        )  # fmt: skip


def scheduler(seen: Seen) -> Iterator[Finding]:
    if seen.given("lr_scheduler_type") and seen.given("lr_scheduler"):
        yield seen.warning(
            "two-schedulers", "lr_scheduler", "`lr_scheduler` has no effect beside `lr_scheduler_type`.",
            "Remove one of the two.",
        )  # fmt: skip
    if _schedule_free(seen):
        for name in ("lr_scheduler", "lr_warmup_steps"):
            if seen.given(name) and seen.get(name) != "constant":
                yield seen.warning(
                    "schedule-free", name,
                    f"`{name}` has no effect with {seen.get('optimizer_type')}, which needs no schedule.",
                    'Remove the line; a warm-up is optimizer_args = ["warmup_steps=100"].',
                )  # fmt: skip
    if str(seen.get("lr_scheduler", "")).startswith("adafactor") and optimizer_name(seen) != "adafactor":
        yield seen.error(
            "adafactor-scheduler", "lr_scheduler", "the scheduler `adafactor` works with that optimizer alone.",
            'Write lr_scheduler = "cosine", or optimizer_type = "Adafactor".',
        )  # fmt: skip


def needs(seen: Seen) -> Iterator[Finding]:
    """What the scheduler fails without, with the base model loaded."""
    option = "lr_scheduler_type" if seen.get("lr_scheduler_type") else "lr_scheduler"
    if _unasked(seen, option):
        return
    name, given = str(seen.get(option, "constant")), arguments.given(seen, "lr_scheduler_args")
    if option == "lr_scheduler_type":
        name = name.removeprefix("torch.optim.lr_scheduler.")
    if name[:1].isupper() != (option == "lr_scheduler_type"):
        return  # not known there
    if name in _UNUSABLE:
        yield seen.error(
            "unusable-scheduler", option, f"`{option} = {name!r}` cannot be used: the engine fails on it.",
            'Write lr_scheduler = "cosine_with_min_lr" and lr_scheduler_min_lr_ratio = 0.1.' if option == "lr_scheduler" else
            'Remove the line, and write lr_scheduler = "cosine".',
        )  # fmt: skip
    elif name == "adafactor":
        yield seen.error(
            "adafactor-scheduler", option, "the scheduler `adafactor` needs its first rate: the engine fails on it.",
            'Write lr_scheduler = "adafactor:0.0001", or "constant".',
        )  # fmt: skip
    wanted = _ARGUMENTS.get(name, ())
    missing = [item for item in wanted if item.partition("=")[0] not in given]
    if name == "OneCycleLR" and {"epochs", "steps_per_epoch"} <= given.keys():  # the other way to say it
        missing = [item for item in missing if not item.startswith("total_steps")]
    if missing:
        keys = " and ".join(f"`{item.partition('=')[0]}`" for item in missing)
        examples = ", ".join(f'"{item}"' for item in missing)
        yield seen.error(
            "scheduler-needs", option, f"`{option} = {name!r}` needs {keys} in lr_scheduler_args: the engine fails without.",
            f"Write lr_scheduler_args = [{examples}] with your own numbers.",
        )  # fmt: skip
    elif name == "piecewise_constant" and not _STEP_RULES.fullmatch(given["step_rules"]):
        yield seen.error(
            "argument", "lr_scheduler_args",
            f"`lr_scheduler_args`: step_rules={given['step_rules']} is not 'FACTOR:STEP,…,FACTOR': the engine fails on it.",
            f'Write lr_scheduler_args = ["{wanted[0]}"] with your own numbers.',
        )  # fmt: skip


def lowest_rate(seen: Seen) -> Iterator[Finding]:
    """`min_lr` and `lr_end` are held against `learning_rate`, even where `unet_lr` is what is used."""
    if seen.get("lr_scheduler_type") or _unasked(seen, "lr_scheduler"):
        return
    name, given = seen.get("lr_scheduler"), arguments.given(seen, "lr_scheduler_args")
    if name == "cosine_with_min_lr":
        by_ratio, by_rate = seen.get("lr_scheduler_min_lr_ratio") is not None, "min_lr" in given
        if by_ratio == by_rate:
            yield seen.error(
                "scheduler-needs", "lr_scheduler_args" if by_ratio else "lr_scheduler",
                f"`cosine_with_min_lr` needs one of lr_scheduler_min_lr_ratio and min_lr, and {'both' if by_ratio else 'none'} "
                "is given: the engine fails on it.",
                "Remove `min_lr`." if by_ratio else "Write lr_scheduler_min_lr_ratio = 0.1.",
            )  # fmt: skip
    lowest = {"cosine_with_min_lr": "min_lr", "polynomial": "lr_end"}.get(str(name), "")
    rate, least = seen.get("learning_rate", ENGINE_RATE), arguments.number(given.get(lowest, ""))
    if least is not None and least >= rate:
        yield seen.error(
            "lowest-rate", "lr_scheduler_args",
            f"`lr_scheduler_args`: {lowest}={given[lowest]} is not below learning_rate ({rate}), which it is held against: "
            + ("every rate would rise." if lowest == "min_lr" else "the engine fails on it."),
            f"Write a lower one, or learning_rate = {10 * least:g} too: what unet_lr is, is not looked at.",
        )  # fmt: skip


def idle_scheduler_options(seen: Seen) -> Iterator[Finding]:
    if seen.get("lr_scheduler") == "piecewise_constant" and seen.given("lr_warmup_steps"):
        yield seen.warning(
            "warmup-idle", "lr_warmup_steps", "`piecewise_constant` does no warm-up: `lr_warmup_steps` has no effect.",
            "Remove the line; say it in step_rules.",
        )  # fmt: skip
    if seen.get("lr_scheduler") == "warmup_stable_decay" and not seen.get("lr_decay_steps"):
        yield seen.warning(
            "no-decay", "lr_scheduler",
            "`warmup_stable_decay` without `lr_decay_steps` never decays: the rate stays the same to the end.",
            "Write lr_decay_steps = 0.2 too.",
        )  # fmt: skip


def warm_up_longer(seen: Seen) -> Iterator[Finding]:
    """Where the steps stand in the config; else `check_plan` says it, when they are counted."""
    warmup = seen.get("lr_warmup_steps", 0)
    is_said = isinstance(warmup, float) and warmup >= 1
    if not is_said and seen.get("max_train_epochs") is None and (steps := seen.get("max_train_steps")):
        yield from warm_up_against(seen, steps)


def warm_up_against(seen: Seen, steps: int) -> Iterator[Finding]:
    warmup = seen.get("lr_warmup_steps", 0)
    taken = warmup if isinstance(warmup, int) else int(warmup * steps)
    if taken >= steps:
        yield seen.warning(
            "warmup-longer-than-run", "lr_warmup_steps",
            f"the warm-up of {taken} steps is as long as the run of {steps}: the full learning rate is never reached.",
            f"Write lr_warmup_steps = {max(1, steps // 20)}, or train longer.",
        )  # fmt: skip


def _unasked(seen: Seen, option: str) -> bool:
    """Whether the optimizer brings its own schedule."""
    return _schedule_free(seen) or (option == "lr_scheduler" and relative_step(seen))


def _schedule_free(seen: Seen) -> bool:
    return str(seen.get("optimizer_type", "")).lower().endswith("schedulefree")
