"""The tokenizers that the engine would fetch while training, made beforehand and without the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.errors import EngineError
from kohya_wrap.host import atomic, lock, tool
from kohya_wrap.places import Places

# As the engine's `tokenizer_cache_dir` has them (engine contract, section 7): SD 1.5 reads one, SDXL both.
NAMES = ("openai_clip-vit-large-patch14", "laion_CLIP-ViT-bigG-14-laion2B-39B-b160k")
FILES = ("tokenizer_config.json", "vocab.json", "merges.txt", "special_tokens_map.json")


def find(places: Places) -> Path | None:
    """The folder to give the engine as `tokenizer_cache_dir`, else None."""
    folder = places.tokenizers
    return folder if all((folder / name / file).is_file() for name in NAMES for file in FILES) else None


def ensure(python: Path, places: Places, say: Callable[[str], None]) -> Path:
    """That folder, made by the engine's interpreter `python` where it is missing.

    Raises:
        EngineError: the vocabulary is not in the environment, or gives other tokens than the Hub's.
    """
    with lock.hold(places.tokenizers, say):
        found = find(places)
        if found is not None:
            return found
        say("making the tokenizers")
        with atomic.new_folder(places.tokenizers) as folder:
            try:
                tool.run([python, "-I", resources.inside("clip_tokenizers.py"), folder, *NAMES])
            except tool.ToolFailed as error:
                raise EngineError(
                    "The tokenizers could not be made.",
                    why=error.outcome.last_line,
                    hint="Run the same command again; if it stays, please report it.",
                ) from error
    return places.tokenizers
