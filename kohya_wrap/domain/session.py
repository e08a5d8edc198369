"""What a rented machine fetches, holds, does and sends: for one training, or for several in one session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kohya_wrap.domain.cost import Offer, Rental

# Bytes that `init` fetches beside the base, and what becomes of them (engine/install.py).
ENVIRONMENT, INSTALLED = 4e9, 8e9
IMAGE = 8e9  # bytes of a provider's own image, which counts on some; guessed
UNPACKED = 40.0  # seconds, for the environment alone, measured on two CPU cores (FACTS, section 1)
STARTED = 60.0  # seconds from a launch to its first step, guessed
MOUNTED = 60.0  # seconds until a second machine has the first one's volume, guessed
SAVED = 8  # checkpoints: as many as are kept for choosing
STATES = 3  # the two that are kept, and the one being written
_MBIT = 1e6 / 8
_HOURS = 30 * 24


@dataclass(frozen=True)
class Base:
    name: str
    bytes: int


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        pictures, lora, optimizer: bytes.
        seconds: from the first step to the last, with caching.
    """

    base: Base
    pictures: int
    lora: float
    optimizer: float
    seconds: float

    @property
    def saved(self) -> float:
        return SAVED * self.lora + STATES * (self.lora + self.optimizer)


@dataclass(frozen=True)
class Session:
    """Attributes:
    mbits: a second, of the machine's download.
    """

    jobs: tuple[Job, ...]
    mbits: float

    @property
    def _bases(self) -> int:
        return sum(base.bytes for base in {job.base for job in self.jobs})

    @property
    def preparing(self) -> float:
        """Seconds before the first launch: once, however many trainings follow."""
        return (ENVIRONMENT + self._bases) / (self.mbits * _MBIT) + UNPACKED

    @property
    def set_up(self) -> float:
        """Seconds in which nothing is trained."""
        return self.preparing + STARTED * len(self.jobs)

    @property
    def seconds(self) -> float:
        return self.set_up + sum(job.seconds for job in self.jobs)

    @property
    def rental(self) -> Rental:
        """The disk has a half more than is needed, in steps of ten GB."""
        pictures = sum(job.pictures for job in self.jobs)
        held = IMAGE + INSTALLED + self._bases + 2 * pictures + sum(job.saved for job in self.jobs)
        return Rental(
            hours=self.seconds / 3600,
            disk=-(-1.5 * held // 1e10) * 10,
            down=(ENVIRONMENT + self._bases + pictures) / 1e9,
            up=sum(SAVED * job.lora for job in self.jobs) / 1e9,
        )


def joined(sessions: Sequence[Session]) -> Session:
    """All their trainings in one."""
    return Session(tuple(job for session in sessions for job in session.jobs), sessions[0].mbits)


@dataclass(frozen=True)
class TwoStages:
    """A machine without a GPU that fetches and installs onto a volume, which the GPU's then takes over.

    Attributes:
        provider: of both.
        cpu: dollars an hour.
        volume: dollars for a GB and month.
    """

    provider: str
    cpu: float
    volume: float
    seen: str


def in_two_stages(session: Session, offer: Offer, stages: TwoStages) -> tuple[float, float]:
    """Dollars at the offer's lowest and highest price."""
    first, second = session.preparing / 3600, (session.seconds - session.preparing + MOUNTED) / 3600
    held = session.rental.disk * stages.volume / _HOURS * (first + second)
    beside = first * stages.cpu + held
    return beside + second * offer.low, beside + second * offer.high
