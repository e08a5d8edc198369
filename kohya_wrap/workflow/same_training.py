"""Whether a training is the one that was done already: a key of all that the user says and of what it trains on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from kohya_wrap.errors import KohyaWrapError
from kohya_wrap.host import image_file
from kohya_wrap.places import Project
from kohya_wrap.workflow import dataset_file
from kohya_wrap.workflow.effective import Asked

_SECTION = ("base", "subject", "trigger", "target_steps")  # prices and caps change nothing of what is trained
_FILES = ("pretrained_model_name_or_path", "vae", "network_weights", "sample_prompts")
_ENOUGH = (
    1 << 16
)  # bytes; a longer file is told from others by its size, beginning and time of its last change


def key(asked: Asked, engine: str) -> str:
    """Of the values, however they are written and wherever they are said, the engine, and the images with their captions."""
    own = [getattr(asked.user.wrapper, name) for name in _SECTION]
    said = [str(asked.user.path.absolute()), engine, asked.values, own, dict(asked.user.gpu)]
    digest = sha256(json.dumps(said, sort_keys=True, default=str).encode())
    for path in _read_by(asked):
        digest.update(str(path).encode(errors="surrogateescape"))
        with suppress(OSError), path.open("rb") as file:
            found = path.stat()
            digest.update(f"{found.st_size} ".encode() + file.read(_ENOUGH))
            if found.st_size > _ENOUGH:
                digest.update(str(found.st_mtime_ns).encode())
    return digest.hexdigest()[:16]


def _read_by(asked: Asked) -> Iterator[Path]:
    values = asked.values
    project = Project(asked.user.path.parent.absolute())
    named = [values.get(option) for option in _FILES]
    if base := asked.user.wrapper.base:
        named.append(str(project.root / base))
    folders = [values.get("train_data_dir") or project.training_data, values.get("reg_data_dir")]
    if described := values.get("dataset_config"):
        named.append(described)
        folders = _named_in(described)
    yield from (Path(name) for name in named if isinstance(name, str) and Path(name).is_file())
    endings = {".txt", ".caption", values.get("caption_extension")}
    for folder in folders:
        if not isinstance(folder, str | Path) or not folder:
            continue
        for path in sorted(Path(folder).rglob("*")):
            if image_file.looks_like_image(path) or (
                path.suffix in endings and not path.name.startswith(".")
            ):
                yield path


def _named_in(dataset_config: object) -> list[object]:
    """Folders of its images; none where it cannot be read: it is refused in its turn."""
    with suppress(KohyaWrapError, OSError, AttributeError, TypeError):
        datasets = dataset_file.read(Path(str(dataset_config)), "").data.get("datasets", [])
        return [subset.get("image_dir") for dataset in datasets for subset in dataset.get("subsets", [])]
    return []
