"""BLIP captions by the engine's own script, in its environment.

Run from end to end with a model of random weights in the real sizes; never yet with the real one, whose file the script
names and whose tokenizer it fetches (engine contract, section 10).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.engine import checkout, install, pin
from kohya_wrap.errors import EngineError, UsageError
from kohya_wrap.host import tool
from kohya_wrap.places import Places

COST = "the BLIP model (1.8 GB) and a tokenizer, when they are not here yet"
# In the script's own place: elsewhere it changes folders, and relative paths with them.
_FOLDER = "finetune"
_BAR = re.compile(r"(\d+)/(\d+) \[")


def weights(model: str) -> str:
    """What `--model` names: a .pth file, an address, or nothing: the script's own.

    Raises:
        UsageError: no such file.
    """
    path = Path(model).expanduser()
    if not model or model.startswith(("http:", "https:")):
        return model
    if path.is_file():
        return str(path.absolute())
    raise UsageError(
        f"--model {model} is no file.",
        why="For BLIP it is the path of a model_large_caption.pth.",
        hint="Leave --model out: the engine's script fetches its own.",
    )


def command(python: Path, source: Path, pictures: Path, weights: str, extension: str) -> list[str]:
    """The words that caption each picture of a folder into a file beside it. Beams, so that it says the same each time."""
    words = [str(python), "-I", str(resources.inside("blip_captions.py")), str(source), str(pictures)]
    words += ["--caption_extension", extension, "--beam_search", "--num_beams", "3"]
    return [*words, "--caption_weights", weights] if weights else words


def run(
    pictures: Path,
    weights: str,
    extension: str,
    places: Places,
    engine_dir: Path | None,
    progress: Callable[[int, int], None],
) -> None:
    """Caption the folder.

    Args:
        progress: pictures done, and in all.

    Raises:
        EngineError: the engine is not installed, or its script failed.
    """
    the_pin = pin.load()
    source = checkout.find(the_pin, places, engine_dir=engine_dir)
    environment = install.find(the_pin, places)
    if source is None or environment is None:
        raise EngineError(
            "The engine is not installed here: BLIP runs in its environment.",
            why="A project that was prepared for another machine has none of its gigabytes here.",
            hint="kohya-wrap init --full   in the project, or take the tagger that needs no engine: --with wd14",
        )

    def count(line: str) -> None:
        if found := _BAR.search(line):
            progress(int(found[1]), int(found[2]))

    argv = command(environment.python, source.source, pictures, weights, extension)
    try:
        tool.run(argv, cwd=source.source / _FOLDER, on_line=count)
    except tool.ToolFailed as error:
        raise EngineError(
            f"The engine's BLIP captioner ended with {error.outcome.returncode}.",
            why=error.outcome.last_line or "It said nothing.",
            hint="Its first run downloads the model and a tokenizer: is there a network? Or take --with wd14.",
        ) from None
