"""Whether a training is the one that was done already: a key of all that the user says and of what it trains on.

Where these lie is no part of it, so that a project that was moved or copied still knows what it has done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from kohya_wrap.config import user
from kohya_wrap.errors import KohyaWrapError
from kohya_wrap.host import file_hash, image_file
from kohya_wrap.places import Project
from kohya_wrap.workflow import dataset_file
from kohya_wrap.workflow.effective import Asked

_SECTION = ("base", "subject", "trigger", "target_steps")  # prices and caps change nothing of what is trained
_FILES = ("pretrained_model_name_or_path", "vae", "network_weights", "sample_prompts", "dataset_config")
_FOLDERS = ("train_data_dir", "reg_data_dir")
_WHOLE = 64 << 20  # bytes; of a longer file, weights, so many pieces are read, spread over all of it
_PIECES, _PIECE = 256, 1 << 14


def key(asked: Asked, engine: str) -> str:
    """Of the values, however they are written and wherever they are said, the engine, and the images with their captions."""
    root = asked.user.path.parent.resolve()
    read = list(_read_by(asked))
    by_content = {option for option, _, _ in read}
    values = {
        name: _placed(name, value, root) for name, value in asked.values.items() if name not in by_content
    }
    own = {name: getattr(asked.user.wrapper, name) for name in _SECTION if name not in by_content}
    said = [asked.user.path.name, engine, values, own, dict(asked.user.gpu)]
    digest = sha256(json.dumps(said, sort_keys=True, default=str).encode())
    for option, name, path in read:
        digest.update(json.dumps([option, name]).encode())
        with suppress(OSError):
            found = path.stat()
            digest.update(_content(path, found.st_size, found.st_mtime_ns).encode())
    return digest.hexdigest()[:16]


def _placed(name: str, value: Any, root: Path) -> Any:
    """A path below the project as from there; a number as it counts, 1.0 as 1."""
    if isinstance(value, list):
        return [_placed(name, item, root) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if name in user.PATHS and isinstance(value, str) and "\0" not in value:
        path = Path(value).resolve()
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else value
    return value


@cache
def _content(path: Path, size: int, changed: int) -> str:
    """Of one that nobody has changed meanwhile; the trainings of a sweep read the same ones."""
    if size <= _WHOLE:
        return file_hash.sha256(path)
    digest = sha256(f"{size}".encode())
    with path.open("rb") as file:
        for number in range(_PIECES):
            file.seek((size - _PIECE) * number // (_PIECES - 1))
            digest.update(file.read(_PIECE))
    return digest.hexdigest()


def _read_by(asked: Asked) -> Iterator[tuple[str, str, Path]]:
    """(the option that names it, its name in the folder that is named, where it lies) of each file."""
    values = asked.values
    project = Project(asked.user.path.parent.absolute())
    named = [(option, values.get(option)) for option in _FILES]
    if base := asked.user.wrapper.base:
        named.append(("base", str(project.root / base)))
    for option, name in named:
        if isinstance(name, str) and Path(name).is_file():
            yield option, Path(name).name, Path(name)
    folders = [(option, values.get(option)) for option in _FOLDERS]
    if described := values.get("dataset_config"):
        folders = [(f"subset {number}", folder) for number, folder in enumerate(_named_in(described))]
    elif not folders[0][1]:
        folders[0] = ("train_data_dir", project.training_data)
    endings = {".txt", ".caption", values.get("caption_extension")}
    for option, folder in folders:
        if not isinstance(folder, str | Path) or not folder:
            continue
        for path in sorted(Path(folder).rglob("*")):
            if image_file.looks_like_image(path) or (
                path.suffix in endings and not path.name.startswith(".")
            ):
                yield option, path.relative_to(folder).as_posix(), path


def _named_in(dataset_config: object) -> list[object]:
    """Folders of its images; none where it cannot be read: it is refused in its turn."""
    with suppress(KohyaWrapError, OSError, AttributeError, TypeError):
        datasets = dataset_file.read(Path(str(dataset_config)), "").data.get("datasets", [])
        return [subset.get("image_dir") for dataset in datasets for subset in dataset.get("subsets", [])]
    return []
