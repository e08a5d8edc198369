"""Options that do nothing as the others stand: one table, by what the engine at the pin does with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kohya_wrap.config import option_table
from kohya_wrap.config.check.learning import relative_step
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding


@dataclass(frozen=True)
class Idle:
    """Attributes:
    works: whether the option does anything.
    otherwise: where it does nothing, in words.
    hint: what to write for it to work; empty where it can only be removed.
    """

    option: str
    works: Callable[[Seen], bool]
    otherwise: str
    hint: str = ""


def _is_on(*names: str) -> Callable[[Seen], bool]:
    return lambda seen: all(seen.get(name) for name in names)


def _is_huber(seen: Seen) -> bool:
    return seen.get("loss_type") in ("huber", "smooth_l1")


def _saves_epochs(seen: Seen) -> bool:
    """Where nothing at all is said of saving, kohya-wrap saves by epochs."""
    asked = seen.get("save_every_n_epochs") or seen.get("save_n_epoch_ratio")
    return bool(asked) or not seen.get("save_every_n_steps")


def _samples(seen: Seen) -> bool:
    return any(seen.get(n) for n in ("sample_every_n_epochs", "sample_every_n_steps", "sample_at_first"))


_HUBER = "without a Huber loss", 'Write loss_type = "huber"'
_TABLE = (
    Idle("huber_c", _is_huber, *_HUBER),
    Idle("huber_schedule", _is_huber, *_HUBER),
    Idle(
        "huber_scale", lambda seen: _is_huber(seen) and seen.get("huber_schedule", "snr") != "snr",
        'without a Huber loss and a huber_schedule other than "snr"',
        'Write loss_type = "huber" and huber_schedule = "constant"',
    ),
    Idle("masked_loss", _is_on("alpha_mask"), "without `alpha_mask`: there is no mask", "Write alpha_mask = true"),
    Idle("noise_offset_random_strength", _is_on("noise_offset"), "without `noise_offset`", "Write noise_offset = 0.05"),
    Idle("ip_noise_gamma_random_strength", _is_on("ip_noise_gamma"), "without `ip_noise_gamma`", "Write ip_noise_gamma = 0.1"),
    Idle(
        "multires_noise_discount", _is_on("multires_noise_iterations"), "without `multires_noise_iterations`",
        "Write multires_noise_iterations = 6",
    ),
    Idle(
        "face_crop_aug_range", lambda seen: False,
        "here: the engine looks for the place of a face in its file's name, and is given names without one",
        "Cut the pictures around the faces yourself",
    ),
    Idle("sample_prompts", _samples, "where no sample is asked for", "Write sample_every_n_epochs = 1"),
    Idle(
        "save_every_n_epochs", lambda seen: not seen.get("save_n_epoch_ratio"),
        "beside `save_n_epoch_ratio`, which decides",
    ),
    Idle("save_last_n_epochs", _saves_epochs, "where no epoch is saved", "Write save_every_n_epochs = 1"),
    Idle("save_last_n_steps", _is_on("save_every_n_steps"), "without `save_every_n_steps`", "Write save_every_n_steps = 500"),
    *(Idle(f"save_last_n_{unit}_state", lambda seen: False, "where the run itself keeps its last two states") for unit in ("epochs", "steps")),
)  # fmt: skip

# Option -> the schedulers that look at it.
_OF_SCHEDULERS = {
    "lr_scheduler_num_cycles": ("cosine_with_restarts", "cosine_with_min_lr", "warmup_stable_decay"),
    "lr_scheduler_power": ("polynomial",),
    "lr_scheduler_min_lr_ratio": ("cosine_with_min_lr", "warmup_stable_decay"),
    "lr_scheduler_timescale": ("inverse_sqrt",),
    "lr_decay_steps": ("warmup_stable_decay",),
}


def idle(seen: Seen) -> Iterator[Finding]:
    for row in _TABLE:
        if _is_changed(seen, row.option) and not row.works(seen):
            yield _no_effect(seen, row.option, row.otherwise, row.hint)


def scheduler(seen: Seen) -> Iterator[Finding]:
    """The optimizer's own schedule comes before `lr_scheduler_type`, and that before `lr_scheduler`."""
    name, own = str(seen.get("lr_scheduler", "constant")), _own_schedule(seen)
    if relative_step(seen) and _is_changed(seen, "lr_scheduler") and not name.startswith("adafactor"):
        yield _no_effect(seen, "lr_scheduler", f"with {own}", "Write relative_step=False into optimizer_args")
    other = own or ("`lr_scheduler_type`" if seen.get("lr_scheduler_type") else "")
    for option, takers in _OF_SCHEDULERS.items():
        if _is_changed(seen, option) and (other or name not in takers):
            hint = "" if other else f'Write lr_scheduler = "{takers[0]}"'
            yield _no_effect(seen, option, f"with {other or f'the scheduler `{name}`'}", hint)


def cache(seen: Seen) -> Iterator[Finding]:
    if (
        seen.by_user("cache_latents")
        and seen.get("cache_latents") is False
        and seen.get("cache_latents_to_disk")
    ):
        yield seen.warning(
            "no-effect", "cache_latents", "`cache_latents = false` has no effect beside `cache_latents_to_disk`, which caches them.",
            "Write cache_latents_to_disk = false, or remove the line.",
        )  # fmt: skip


def _own_schedule(seen: Seen) -> str:
    if relative_step(seen):
        return "Adafactor's relative_step, its default here"
    optimizer = str(seen.get("optimizer_type", ""))
    return optimizer if optimizer.lower().endswith("schedulefree") else ""


def _is_changed(seen: Seen, option: str) -> bool:
    """Whether the user gave another value than the engine's own."""
    table = option_table.for_script(seen.script)
    return seen.given(option) and seen.get(option) != table[option].default


def _no_effect(seen: Seen, option: str, otherwise: str, hint: str) -> Finding:
    remedy = f"{hint}, or remove the line." if hint else "Remove the line."
    return seen.warning("no-effect", option, f"`{option}` has no effect {otherwise}.", remedy)
