"""Plays the engine's train_network.py: LoRA training for SD 1.5."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # started by its path: find the package
    from kohya_wrap.rehearsal import network, trainer

    trainer.main(network.SD15, sys.argv[1:])
