"""What a command trains, and where it writes it: known before the training, and looked for after it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.places import Project
from kohya_wrap.workflow.prepare import Job


@dataclass(frozen=True)
class Trained:
    """Attributes:
    output: the folder of its LoRA.
    """

    project: Project
    output_name: str
    output: Path

    @classmethod
    def of(cls, job: Job) -> Trained:
        output = Path(job.config.get("output_dir") or job.project.output)
        return cls(job.project, str(job.config.get("output_name")), output)
