"""Which of a config's errors stand in the way of counting its images; all others are `config check`'s to say."""

from __future__ import annotations

from kohya_wrap.config import sections
from kohya_wrap.config.check import options
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.workflow.effective import Effective

# What images are counted by besides the options of the dataset itself.
_COUNTED_BY = frozenset(
    ("gradient_accumulation_steps", "max_train_epochs", "max_train_steps", "max_token_length")
)
_CODES = frozenset(("resolution", "bucket-steps", "bucket-range", "dataset-config"))
# A word that means nothing as it stands: typed just now, it was meant to change what is seen.
_MEANS_NOTHING = frozenset(("unknown-option", "misplaced", "wrapper-section", "not-in-a-config"))


def errors(meant: Effective) -> tuple[Finding, ...]:
    lines = meant.asked.user.lines
    names = {*meant.config.values, *lines}
    of_images = {name for name in names if _is_of_images(options.meant(name, meant.table) or name)}
    places = {meant.config.detail(name) or lines.get(name, "") for name in of_images} - {""}
    return tuple(
        finding
        for finding in meant.findings
        if finding.level is Level.ERROR
        and (
            finding.code in _CODES
            or finding.where in places
            or (finding.code in _MEANS_NOTHING and ":" not in finding.where)
        )
    )


def _is_of_images(name: str) -> bool:
    return name in _COUNTED_BY or sections.section_of(name) == "dataset"
