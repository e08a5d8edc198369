"""The datasets of a dataset_config, checked each for what it says itself."""

from __future__ import annotations

from dataclasses import replace

from kohya_wrap.dataset import check
from kohya_wrap.dataset.check.result import Checked
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.finding import Finding
from kohya_wrap.workflow import bucketing
from kohya_wrap.workflow.configured import Configured


def of_each(
    configured: Configured, looks: check.Looks, settings: check.Settings, before: tuple[Finding, ...]
) -> tuple[tuple[TrainingConfig, ...], Checked]:
    """Each of the datasets by its own buckets and batches, and all of them together."""
    among = [subset.folder for subset in configured.seen.subsets]
    configs, several = [], []
    for number, dataset in configured.datasets.items():
        config = configured.of_dataset(number, settings.config)
        own = replace(settings, config=config, rule=bucketing.rule(config))
        configs.append(config)
        several.append(check.check(dataset.seen, looks, own, dataset.regular, before, among))
    alone = len(several) == 1
    return tuple(configs), several[0] if alone else check.together(several, configured.seen, settings)
