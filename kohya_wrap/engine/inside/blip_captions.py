"""Run the engine's BLIP captioner on packages newer than the ones it was written for: `blip_captions.py SOURCE ARGUMENT…`.

At the pin it cannot run as it is: it imports fairscale (for training alone), which no lock has, and its text decoder
has lost `generate`, which transformers no longer gives to models by itself.
"""

from __future__ import annotations

import runpy
import sys
import types
from pathlib import Path

_FAIRSCALE = "fairscale.nn.checkpoint.checkpoint_activations"


def main(source: Path, arguments: list[str]) -> None:
    finetune = source / "finetune"
    sys.path[:0] = [str(source), str(finetune)]
    stand_in_for_fairscale()
    give_generate()
    sys.argv = [str(finetune / "make_captions.py"), *arguments]
    runpy.run_path(sys.argv[0], run_name="__main__")


def stand_in_for_fairscale() -> None:
    """What the script imports of it, and calls only when it trains."""
    for name in ("fairscale", "fairscale.nn", "fairscale.nn.checkpoint", _FAIRSCALE):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules[_FAIRSCALE].checkpoint_wrapper = None


def give_generate() -> None:
    from blip import med
    from transformers.generation import GenerationMixin

    decoder = med.BertLMHeadModel
    if not issubclass(decoder, GenerationMixin):
        decoder.__bases__ = (*decoder.__bases__, GenerationMixin)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
