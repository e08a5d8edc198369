"""What the config leaves open, where the engine's own default would ruin the run."""

from __future__ import annotations

from collections.abc import Iterator

from kohya_wrap.config.check.seen import Seen
from kohya_wrap.config.spellings import as_toml
from kohya_wrap.domain.finding import Finding, Level

_ENGINE_ALONE = {
    "network_module": "the engine would fail",
    "resolution": "the engine would fail",
    "caption_extension": "the engine would look for .caption files, and train without captions where there is none",
    "output_dir": "the engine would train to the end and then fail to save",
}
_IN_A_DATASET_CONFIG = ("resolution", "caption_extension")


def filled(seen: Seen) -> Iterator[Finding]:
    for name, otherwise in _ENGINE_ALONE.items():
        if name in _IN_A_DATASET_CONFIG and seen.get("dataset_config"):
            continue
        if not seen.by_user(name) and seen.get(name) is not None:
            message = f"`{name}` is not given: {as_toml(seen.get(name))} is taken, where {otherwise}."
            yield Finding(Level.NOTE, "filled", message)
