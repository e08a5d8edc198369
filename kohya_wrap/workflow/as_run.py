"""What a config means with the images that `run` would look at, where they are here; else what is left open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.dataset import captions
from kohya_wrap.domain.captions import CaptionStyle
from kohya_wrap.domain.finding import Level
from kohya_wrap.errors import ConfigError, DatasetError
from kohya_wrap.places import Places, Project
from kohya_wrap.workflow import effective, epochs, images
from kohya_wrap.workflow.effective import ConfigRequest, Effective
from kohya_wrap.workflow.images import Images

_SAVING = ("save_every_n_epochs", "save_every_n_steps", "save_n_epoch_ratio")


@dataclass(frozen=True)
class AsRun:
    """An effective config and what of it only `run` decides.

    Attributes:
        images: None where they cannot be read here, for the reason `why_not`.
        left: the options that depend on them.
    """

    found: Effective
    images: Images | None
    left: tuple[str, ...] = ()
    why_not: str = ""


def of(request: ConfigRequest, places: Places, env: Mapping[str, str]) -> AsRun:
    """As `effective.of`, with the epochs solved and the captions looked at, as `run` does."""
    found = effective.of(request, places, env)
    if any(finding.level is Level.ERROR for finding in found.findings):
        return AsRun(found, None, _left(found), "errors come first")
    try:
        seen = images.of(found.asked, Project(found.asked.user.path.parent.absolute()))
    except (ConfigError, DatasetError) as error:
        return AsRun(found, None, _left(found), error.message.rstrip("."))
    again = _settled(found, captions.style_of(seen.train), seen.train.caption_extension)
    target = found.asked.user.wrapper.target_steps or again.recipe.steps
    config, plan, _ = epochs.chosen(seen.cacheable(again.config), seen, target)
    config, _, _ = epochs.whole(config, plan)
    return AsRun(replace(again, config=config, findings=found.findings), seen)


def _settled(found: Effective, style: CaptionStyle | None, extension: str) -> Effective:
    known = presets.load(resources.presets())
    return effective.settled(
        found.asked, found.facts, found.machine, known, captions=style, caption_extension=extension
    )


def _left(found: Effective) -> tuple[str, ...]:
    """What would be otherwise with other captions, and what is solved from the number of images."""
    ways = [
        _settled(found, style, ending).config for style in CaptionStyle for ending in (".txt", ".caption")
    ]
    names = {name for way in ways for name in way.values if way.get(name) != found.config.get(name)}
    if found.config.get("max_train_epochs") is None and found.config.origin("max_train_steps") is None:
        names.add("max_train_epochs")
    if not any(found.config.get(name) for name in _SAVING):
        names.add("save_every_n_epochs")
    return tuple(sorted(names))
