"""Where things are on disk, as frozen values that are passed in and never read from a global."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """What all projects of this user share."""

    home: Path

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Places:
        """KOHYA_WRAP_HOME, else the platform's folder for user data."""
        if env.get("KOHYA_WRAP_HOME"):
            return cls(Path(env["KOHYA_WRAP_HOME"]).expanduser().absolute())
        user = Path(env.get("HOME") or Path.home())
        if sys.platform == "darwin":
            return cls(user / "Library" / "Application Support" / "kohya-wrap")
        if os.name == "nt":
            return cls(Path(env.get("LOCALAPPDATA") or user / "AppData" / "Local") / "kohya-wrap")
        return cls(Path(env.get("XDG_DATA_HOME") or user / ".local" / "share") / "kohya-wrap")

    def engine(self, commit: str) -> Path:
        """One folder per pin, so that a newer kohya-wrap never disturbs an older project."""
        return self.home / "engines" / commit[:12]

    @property
    def tokenizers(self) -> Path:
        return self.home / "tokenizers"

    @property
    def weights(self) -> Path:
        """Downloaded base weights, each with the record of its hash; and files that failed theirs."""
        return self.home / "weights"

    @property
    def at_work(self) -> Path:
        """A file for each `run` that is at work, named after its process."""
        return self.home / "at-work"

    @property
    def prices(self) -> Path:
        """What providers last answered to `plan --live`, a file for each."""
        return self.home / "prices"

    @property
    def calibration(self) -> Path:
        """What finished runs took, one a line."""
        return self.home / "calibration.jsonl"

    @property
    def demo(self) -> Path:
        return self.home / "demo"


@dataclass(frozen=True)
class Project:
    """One project folder: the guide's layout."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "training_config.toml"

    @property
    def training_data(self) -> Path:
        return self.root / "training_data"

    @property
    def held_out(self) -> Path:
        """Pictures set aside, a folder for each concept: beside training_data, so that nothing trains on them."""
        return self.root / "held_out"

    @property
    def reg_data(self) -> Path:
        return self.root / "reg_data"

    @property
    def built(self) -> Path:
        """What each concept folder was built from."""
        return self.root / ".kohya-wrap" / "built"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def output(self) -> Path:
        return self.root / "output"

    @property
    def apart(self) -> tuple[Path, ...]:
        """What the project itself keeps pictures in: no source of them."""
        return self.training_data, self.held_out, self.reg_data, self.models, self.output

    @property
    def is_ours(self) -> bool:
        """Whether something was built, trained or edited here."""
        return (self.root / ".kohya-wrap").is_dir()

    @property
    def runs(self) -> Path:
        return self.root / ".kohya-wrap" / "runs"

    @property
    def queue(self) -> Path:
        """What of several trainings in one command was begun here."""
        return self.root / ".kohya-wrap" / "queue.json"

    @property
    def sent(self) -> Path:
        """Hashes of all that was sent elsewhere, one a line, each with the marks of the folder it was sent from."""
        return self.root / ".kohya-wrap" / "sent"

    @property
    def views(self) -> Path:
        """What the engine is given in place of the dataset, a folder for each run at work, and its caches."""
        return self.root / ".kohya-wrap" / "views"
