"""How far a run shall go this time, and what it may cost."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.config.presets import GpuPreset
from kohya_wrap.config.wrapper_section import WrapperSection
from kohya_wrap.domain import cost
from kohya_wrap.domain.budget import Budget
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.errors import ConfigError, UsageError
from kohya_wrap.host.safetensors_file import read_header
from kohya_wrap.plan import prices
from kohya_wrap.training.result import weights_problem
from kohya_wrap.workflow.run_folder import RunFolder

_AMOUNTS = {
    "price": "price_per_hour",
    "max_cost": "max_cost",
    "max_hours": "max_hours",
}  # in a config, and in run.toml
_OTHERS = "--price, --max-cost, --max-hours"


@dataclass(frozen=True)
class Wishes:
    """How far this time.

    Attributes:
        restart: from the beginning, though an unfinished run could go on.
        until_epoch: stop there, to go on another time.
        budget: over the whole run.
        since: what was fetched and installed from this moment on counts too; of time.monotonic.
        probe: try the hardest batch first.
        spent: seconds of the budget that other trainings of the same queue have taken.
        set_up: seconds that the quickest of them had taken before its first step: with less, nothing is begun.
    """

    restart: bool = False
    until_epoch: int | None = None
    budget: Budget = field(default_factory=Budget)
    since: float | None = None
    probe: bool = False
    spent: float = 0.0
    set_up: float = 0.0

    def pause(self, epochs: int) -> int | None:
        """The epoch to stop at before the last of so many."""
        return self.until_epoch if self.until_epoch is not None and self.until_epoch < epochs else None


def continued(lora: Path) -> str:
    """The word of --set that begins with a LoRA's weights.

    Raises:
        ConfigError: it is none, or cut short, or holds values that are no numbers.
    """
    if lora.suffix != ".safetensors":
        raise ConfigError(
            f"--continue-from {lora} does not end in .safetensors.",
            why="Other files can only be opened by running what is in them, so what they hold is not known beforehand.",
            hint=f"--set network_weights={shlex.quote(str(lora))}   if it is yours, unchecked",
        )
    problem = weights_problem(lora)
    if problem and "never moved" not in problem:
        raise ConfigError(
            f"--continue-from {lora} {problem}.",
            why="The training would begin with these weights.",
            hint="Name a LoRA that was trained to its end.",
        )
    if not any("lora_" in name or "lokr_" in name or "hada_" in name for name in read_header(lora).tensors):
        raise ConfigError(
            f"--continue-from {lora} holds no LoRA.",
            why="None of its tensors is called as in one: it may be a base model.",
            hint="Name the .safetensors file that a training has written into output/.",
        )
    return f"network_weights={lora.absolute()}"


def idle(wishes: Wishes, epochs: int) -> Iterator[Finding]:
    """What was asked for and changes nothing."""
    until = wishes.until_epoch
    if until is not None and until > epochs:
        yield Finding(
            Level.NOTE, "idle-until-epoch",
            f"--until-epoch {until} ends nothing: the run has {epochs} epoch{'s' * (epochs > 1)}, and all are trained.",
            f"For more of them: --set max_train_epochs={until}",
        )  # fmt: skip
    if wishes.since is not None and wishes.budget.seconds is None:
        yield Finding(
            Level.NOTE, "idle-count-setup", "--count-setup counts nothing: there is no cap.",
            "Give one: --max-cost or --max-hours.",
        )  # fmt: skip


def over_all(asked: Budget, before: Budget) -> tuple[Budget, tuple[Finding, ...]]:
    """Of a queue: as asked for, else as the same words asked for before, each amount by itself."""
    held = {
        name: getattr(before, name)
        for name in _AMOUNTS
        if getattr(asked, name) is None and getattr(before, name) is not None
    }
    told = (f"{_AMOUNTS[name]} = {value:g}" for name, value in held.items())
    return replace(asked, **held), _as_before(told, "what this command asked for before", _OTHERS)


def budget_of(
    asked: Budget, section: WrapperSection, preset: GpuPreset, run: RunFolder | None
) -> tuple[Budget, tuple[Finding, ...]]:
    """As asked for, else as the config has it, else as the unfinished run was started, each amount by itself; a cap in dollars without
    a price, by the highest that is known of the card.

    Args:
        run: None where none is gone on with.

    Raises:
        UsageError: a cap in dollars without a price.
    """
    before = run.about if run is not None else {}
    now = {
        name: getattr(section, told) if getattr(asked, name) is None else getattr(asked, name)
        for name, told in _AMOUNTS.items()
    }
    held = {
        name: before[told]
        for name, told in _AMOUNTS.items()
        if now[name] is None and before.get(told) is not None
    }
    found = Budget(**now | held)
    said = _as_before(f"{_AMOUNTS[name]} = {value:g}" for name, value in held.items())
    if found.max_cost is None or found.price:
        return found, said
    known = cost.price_range(prices.load(resources.presets()).offers.get(preset.name, ()))
    if known is None:
        raise UsageError(
            "A cap in dollars needs the price of an hour.",
            why="Nobody but you knows what this machine costs.",
            hint=f"--price 0.69 --max-cost {found.max_cost:g}   (or price_per_hour in the section [kohya_wrap])",
        )
    low, high = known
    text = f"no price was given: ${high:.2f} an hour is taken, the highest seen for the {preset.name} (from ${low:.2f})."
    assumed = Finding(
        Level.NOTE, "price-assumed", text, "Yours: --price, or price_per_hour in the section [kohya_wrap]."
    )
    return replace(found, price=high), (*said, assumed)


def until(asked: int | None, run: RunFolder | None) -> tuple[int | None, tuple[Finding, ...]]:
    """The epoch to stop at: as asked for, else as the unfinished run was started, where that is not done.

    Args:
        run: None where none is gone on with.
    """
    before = (run.about.get("until_epoch") or 0) if run is not None else 0
    done = run.ledger.states[-1].epoch if run is not None and run.ledger.states else 0
    if asked is not None or before <= done:
        return asked, ()
    return before, _as_before([f"a pause after epoch {before}"])


def _as_before(
    held: Iterable[str], of: str = "the unfinished run", others: str = f"{_OTHERS}, --until-epoch"
) -> tuple[Finding, ...]:
    """`kohya-wrap run CONFIG`, as `status` names it, goes on as the run was begun."""
    told = ", ".join(held)
    text = f"of {of} there holds still, since nothing else is asked: {told}."
    hint = f"Another: {others}."
    return (Finding(Level.NOTE, "as-before", text, hint),) if told else ()
