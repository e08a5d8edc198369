"""The guide's list of what to do before the rental begins, ticked as far as it can be seen."""

from __future__ import annotations

from collections.abc import Sequence

from kohya_wrap.dataset.check.result import CheckedImage, State, Tick
from kohya_wrap.dataset.check.settings import Settings
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.wording import share

_UNTRAINABLE = {"no-bucket", "inexact-size"}
_WRONG_PLACE = {
    "not-built",
    "folder-without-number",
    "loose-image",
    "nested-folder",
    "extension",
    "caption-ending",
    "same-stem",
}
_UNREADABLE = {"unreadable", "empty-caption", "not-utf8"}


def ticked(images: Sequence[CheckedImage], found: Sequence[Finding], settings: Settings) -> tuple[Tick, ...]:
    codes = [finding.code for finding in found]
    return (
        _tick("every picture cropped to a fitting shape", *_cropped(images)),
        _captions(images, codes),
        _tick("folders as the trainer wants them", *_folders(codes, settings)),
        _config(settings),
        _samples(settings),
    )


def _tick(item: str, done: bool, detail: str) -> Tick:
    return Tick(item, State.DONE if done else State.NOT_DONE, detail)


def _cropped(images: Sequence[CheckedImage]) -> tuple[bool, str]:
    if not images:
        return False, "there is none that can be trained on"
    codes = [{finding.code for finding in image.findings} for image in images]
    badly = sum("cropped" in of_one for of_one in codes)
    if unfit := sum(bool(of_one & _UNTRAINABLE) for of_one in codes):
        return False, f"of the size of {unfit} the engine dies"
    most = max((image.framing.lost for image in images if image.framing), default=0.0)
    return (
        not badly,
        f"{badly} {'loses' if badly == 1 else 'lose'} more than a fifth"
        if badly
        else f"none loses more than {most:.0%}",
    )


def _captions(images: Sequence[CheckedImage], codes: Sequence[str]) -> Tick:
    written = sum(bool(image.image.caption.path and image.text) for image in images)
    item = "every caption written and read over"
    if written < len(images) or any(code in ("empty-caption", "not-utf8") for code in codes):
        return Tick(item, State.NOT_DONE, f"{share(written, len(images), 'image', ('has', 'have'))} one")
    return Tick(
        item, State.UNSEEN, f"{written} of {written} written; whether somebody read them over cannot be seen"
    )


def _folders(codes: Sequence[str], settings: Settings) -> tuple[bool, str]:
    wrong = sorted({code for code in codes if code in _WRONG_PLACE | _UNREADABLE})
    right = (
        "as dataset_config names them" if settings.configured else "N_concept folders, nothing lies elsewhere"
    )
    return not wrong, f"see below: {', '.join(wrong)}" if wrong else right


def _config(settings: Settings) -> Tick:
    item = "training config ready"
    if settings.config_ready is None:
        return Tick(item, State.NOT_DONE, "none was named: kohya-wrap init makes one")
    detail = (
        "kohya-wrap config check finds no error"
        if settings.config_ready
        else "kohya-wrap config check names errors"
    )
    return _tick(item, settings.config_ready, detail)


def _samples(settings: Settings) -> Tick:
    item = "test prompts written, ready to paste"
    if settings.config.get("sample_prompts"):
        return Tick(item, State.DONE, "sample_prompts in the config")
    return Tick(item, State.UNSEEN, "no sample_prompts in the config; you may have them elsewhere")
