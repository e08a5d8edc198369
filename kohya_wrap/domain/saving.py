"""What of the engine's saves is for the user: which checkpoints are kept, and under which names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from kohya_wrap.domain.config import TrainingConfig

_STEP = re.compile(r"-step(\d{8})$")
_EPOCH = re.compile(r"-(\d{6})$")


@dataclass(frozen=True)
class Saving:
    """The user's plan of checkpoints, in the engine's own terms.

    Attributes:
        every_epochs, every_steps: how often one is kept; None never.
        last_epochs: how many of those by epochs are kept; None all.
        last_steps: of those by steps, the distance that is kept, in steps.
        also: an epoch that is kept in any case.
    """

    every_epochs: int | None = None
    every_steps: int | None = None
    last_epochs: int | None = None
    last_steps: int | None = None
    also: int | None = None

    @classmethod
    def of(cls, config: TrainingConfig, epochs: int) -> Saving:
        ratio = config.get("save_n_epoch_ratio")  # beats the other (engine contract, section 4)
        every = (epochs // ratio or 1) if ratio else config.get("save_every_n_epochs")
        return cls(
            every,
            config.get("save_every_n_steps"),
            config.get("save_last_n_epochs"),
            config.get("save_last_n_steps"),
        )

    def keeps(self, saved: Saved) -> bool:
        """Those by steps are only there because they were asked for."""
        if saved.epoch is None:
            return True
        if saved.epoch == self.also:
            return True
        return self.every_epochs is not None and saved.epoch % self.every_epochs == 0

    def writes(self, stem: str, output_name: str, epochs: int, steps: int) -> bool:
        """Whether a training of that length keeps something under this name without ending."""
        saved = Saved.from_name(stem, output_name)
        if saved.name(output_name) != stem:
            return False
        if saved.step is not None:
            return (
                bool(self.every_steps) and saved.step <= steps and saved.step % (self.every_steps or 1) == 0
            )
        return saved.epoch is None or (saved.epoch < epochs and self.keeps(saved))

    def outlived(self, saved: Saved) -> Saved | None:
        """The one that goes when this one is kept, as the engine chooses it."""
        if saved.epoch is not None and self.every_epochs and self.last_epochs:
            old = saved.epoch - self.every_epochs * self.last_epochs
            return Saved(epoch=old) if old > 0 else None
        if saved.step is not None and self.every_steps and self.last_steps is not None:
            old = (saved.step - self.last_steps - 1) // self.every_steps * self.every_steps
            return Saved(step=old) if old > 0 else None
        return None

    def for_engine(self) -> dict[str, Any]:
        """A checkpoint with its state at every epoch's end, as many states as are needed to go on; the rest is ours."""
        return {
            "save_every_n_epochs": 1,
            "save_state": True,  # the run's own, for going on: whatever the config says of the user's
            "save_n_epoch_ratio": None,
            "save_last_n_epochs": None,
            "save_last_n_epochs_state": STATES,
            "save_last_n_steps": None,
            "save_last_n_steps_state": self.every_steps,
        }


STATES = 2  # one may be damaged


@dataclass(frozen=True)
class Saved:
    """What a file or state was saved at; neither for the last of a run."""

    epoch: int | None = None
    step: int | None = None

    @classmethod
    def from_name(cls, name: str, output_name: str) -> Saved:
        """Of a name without ending, as the engine gives it (engine contract, section 4)."""
        rest = name.removeprefix(output_name)
        if match := _STEP.fullmatch(rest):
            return cls(step=int(match[1]))
        match = _EPOCH.fullmatch(rest)
        return cls(epoch=int(match[1])) if match else cls()

    def name(self, output_name: str) -> str:
        if self.step is not None:
            return f"{output_name}-step{self.step:08d}"
        return output_name if self.epoch is None else f"{output_name}-{self.epoch:06d}"
