"""Plays the engine's train_network.py: LoRA training for SD 1.5."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    if not __package__:  # started by its path, as the engine's script is: find the package, not its modules
        sys.path[0] = str(Path(__file__).resolve().parents[2])
    from kohya_wrap.rehearsal import families, trainer

    trainer.main(families.SD15, sys.argv[1:])


if __name__ == "__main__":
    main()
