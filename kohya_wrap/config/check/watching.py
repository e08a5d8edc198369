"""Samples, logs, and what must not stand in a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.config.user import PATHS
from kohya_wrap.domain.config import SECRETS, Origin
from kohya_wrap.domain.finding import Finding

_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{16,}|wandb.{0,20}?\b[0-9a-f]{40}\b", re.IGNORECASE)
_VARIABLES = {"wandb_api_key": "WANDB_API_KEY", "huggingface_token": "HF_TOKEN"}


def samples(seen: Seen) -> Iterator[Finding]:
    asked = [
        name
        for name in ("sample_every_n_epochs", "sample_every_n_steps", "sample_at_first")
        if seen.get(name)
    ]
    prompts = seen.get("sample_prompts")
    if asked and not prompts:
        yield seen.error(
            "no-prompts", asked[0], f"`{asked[0]}` without `sample_prompts`: the engine fails at the first sample.",
            'Write sample_prompts = "prompts.txt", a file with a prompt a line, or remove the line.',
        )  # fmt: skip
    elif asked and not Path(prompts).is_file():
        yield seen.warning(
            "prompts-missing", "sample_prompts", f"{prompts} is not there: no sample would be drawn.",
            "Write the file, a prompt a line.",
        )  # fmt: skip
    if asked and prompts and not prompts.endswith((".txt", ".toml", ".json")):
        yield seen.error(
            "prompts-kind", "sample_prompts", f"{prompts} is neither .txt nor .toml nor .json: the engine fails at the first sample.",
            "Call it .txt, with a prompt a line.",
        )  # fmt: skip
    if {"sample_every_n_epochs", "sample_every_n_steps"} <= set(asked):
        yield seen.warning(
            "samples-by-epoch", "sample_every_n_steps",
            "`sample_every_n_steps` has no effect beside `sample_every_n_epochs`.", "Remove one of the two.",
        )  # fmt: skip


def logs(seen: Seen) -> Iterator[Finding]:
    """`run` looks into the environment itself: one that took over an image's torch may have wandb too."""
    if seen.get("log_with") in ("wandb", "all") and "\nwandb==" not in resources.lock_file().read_text(
        "utf-8"
    ):
        yield seen.warning(
            "no-wandb", "log_with", "wandb is not among what `init` installs for the engine, which fails without it.",
            "Remove the line: TensorBoard logs are written to logging_dir.",
        )  # fmt: skip


def tokens(seen: Seen) -> Iterator[Finding]:
    """In a text that is kept in the LoRA or in the logs."""
    for name in sorted(seen.config.values):
        value = seen.get(name)
        if (
            isinstance(value, str)
            and name not in SECRETS.keys() | PATHS
            and seen.by_user(name)
            and _TOKEN.search(value)
        ):
            yield seen.warning(
                "secret", name, f"`{name}` holds what looks like a token, and this file and the LoRA are made to be copied.",
                "Remove the line, and make the token invalid where it has been seen.",
            )  # fmt: skip


def secrets(seen: Seen) -> Iterator[Finding]:
    for name in sorted(SECRETS):
        if seen.get(name) and seen.config.origin(name) is Origin.FILE:
            yield seen.warning(
                "secret", name, f"`{name}` is a secret, and this file is made to be copied.",
                f"Remove the line and set the variable {_VARIABLES[name]} instead.",
            )  # fmt: skip
