"""Saving to the Hugging Face Hub, and resuming from it."""

from __future__ import annotations

from collections.abc import Iterator

from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding

_IDLE = ("async_upload", "huggingface_path_in_repo", "huggingface_repo_type", "huggingface_repo_visibility")
_TYPES = ("model", "dataset", "space")


def upload(seen: Seen) -> Iterator[Finding]:
    """The engine logs what goes wrong with an upload, and trains on: nobody sees it before the machine is gone."""
    repository, kind = seen.get("huggingface_repo_id"), seen.get("huggingface_repo_type")
    if not repository:
        if seen.get("save_state_to_huggingface"):
            yield seen.error(
                *_without_repository("save_state_to_huggingface", "no state would be saved there")
            )
        for name in filter(seen.given, _IDLE):
            yield seen.warning(*_without_repository(name, "it has no effect"))
        return
    if not seen.get("huggingface_path_in_repo"):
        yield seen.error(
            "hub-path", "huggingface_repo_id",
            "`huggingface_repo_id` without `huggingface_path_in_repo`: no LoRA would be uploaded, and only the log would say so.",
            f'Write huggingface_path_in_repo = "{seen.get("output_name", "my-lora")}" too.',
        )  # fmt: skip
    if kind is not None and kind not in _TYPES:
        yield seen.error(
            "hub-type", "huggingface_repo_type",
            f"`huggingface_repo_type = {kind!r}` is none of {', '.join(_TYPES)}: nothing would be uploaded, and only the log "
            "would say so.", 'Write huggingface_repo_type = "model", or remove the line.',
        )  # fmt: skip


def _without_repository(name: str, so: str) -> tuple[str, str, str, str]:
    return (
        "hub-repository", name, f"`{name}` without `huggingface_repo_id`: {so}.",
        'Write huggingface_repo_id = "OWNER/NAME" and huggingface_path_in_repo = "my-lora", or remove the line.',
    )  # fmt: skip


def resume(seen: Seen) -> Iterator[Finding]:
    if seen.get("resume_from_huggingface"):
        yield seen.error(
            "hub-resume", "resume_from_huggingface",
            "`resume_from_huggingface`: kohya-wrap resumes from a state that is here; `resume` is a path to it.",
            "Download the state's folder, write its path as `resume`, and remove the line.",
        )  # fmt: skip
