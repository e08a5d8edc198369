"""Addresses of the web where the engine wants a file."""

from __future__ import annotations

from collections.abc import Iterator

from kohya_wrap.config.check.seen import Seen
from kohya_wrap.config.user import PATHS
from kohya_wrap.domain.finding import Finding

_BASE = "pretrained_model_name_or_path"


def is_address(value: object) -> bool:
    return isinstance(value, str) and value.lower().startswith(("http:", "https:"))


def addresses(seen: Seen) -> Iterator[Finding]:
    for name in sorted(PATHS):
        value = seen.get(name)
        for item in value if isinstance(value, list) else [value]:
            if is_address(item):
                yield seen.error(
                    "address", name, f"`{name} = {item!r}` is an address: kohya-wrap takes none.",
                    "Write hf:owner/repo/file.safetensors or civitai:<version id>, or download the file and write its path."
                    if name == _BASE else "Download the file and write its path.",
                )  # fmt: skip
