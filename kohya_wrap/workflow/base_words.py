"""What a path that no file is found by may have meant: a repository of the Hub, a disk of Windows, another kind of model."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from kohya_wrap import resources
from kohya_wrap.config.check import paths
from kohya_wrap.engine import catalogue

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
# By the letters of their names; others are trained by other scripts of the engine, or not at all.
_OTHER_KINDS = {
    "Flux": r"flux",
    "Stable Diffusion 3": r"stable-diffusion-3|\bsd-?_?3",
    "Stable Diffusion 2": r"stable-diffusion-2|\bv2-[01]_(512|768)|768-v-ema",
    "Chroma": r"\bchroma(1|-|_|$)",
    "Lumina": r"\blumina(-|_|2)",
    "Qwen-Image": r"qwen-?_?image",
    "HunyuanDiT": r"hunyuan",
    "PixArt": r"pixart",
}


def other_kind(name: str) -> str:
    """The kind of model that a name speaks of, where it is none that kohya-wrap trains."""
    name = Path(name.lower()).name
    found = (kind for kind, words in _OTHER_KINDS.items() if re.search(words, name))
    return "" if "xl" in name else next(found, "")


def of_other_kind(name: str) -> tuple[str, str]:
    """What is said of such a model, and what to write; empty where its name speaks of none."""
    name = Path(name).name
    kind = other_kind(name)
    said = f"by its name {name} is a model of {kind}: kohya-wrap trains SD 1.5 and SDXL"
    return (said, 'Name such a base, or write under [kohya_wrap]: base = "sdxl".') if kind else ("", "")


def hub_id(path: str, folder: Path) -> str:
    """owner/repo, as the config says it; empty where it is a file's name, or a folder's of this project."""
    try:
        said = PurePosixPath(path).relative_to(folder.absolute()).as_posix()
    except ValueError:
        return ""
    is_file = Path(said).suffix in (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
    return said if _HUB_ID.fullmatch(said) and not is_file and not (folder / said).parent.exists() else ""


def remedy(path: str, folder: Path) -> tuple[str, str]:
    """(why it is not found, what to write); empty where there is nothing more to say than that."""
    if windows := paths.of_windows(path):
        name = re.split(r"[\\/]", windows)[-1]
        return (
            f"{windows} is a path of Windows",
            f'Put the file on this machine and write its path here, e.g. "./models/{name}".',
        )
    if (said := of_other_kind(path))[0]:
        return said
    if repository := hub_id(path, folder):
        known = _catalogued(repository)
        return (
            f"{repository} names a repository of the Hub, not a file",
            f'Remove the line, and write base = "{known}" under [kohya_wrap].'
            if known
            else f'Write pretrained_model_name_or_path = "hf:{repository}/FILE.safetensors", with a file of that repository.',
        )
    return "", ""


def _catalogued(repository: str) -> str:
    """The base that comes from this repository, or from one of the same name."""
    name = repository.partition("/")[2]
    for base in catalogue.load(resources.presets()).bases.values():
        repositories = [repo for file in base.files.values() for repo, _, _ in file.sources]
        if any(repo == repository or repo.partition("/")[2] == name for repo in repositories):
            return base.name
    return ""
