"""Plays the engine's sdxl_train_network.py: LoRA training for SDXL."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # started by its path: find the package
    from kohya_wrap.rehearsal import network, trainer

    trainer.main(network.SDXL, sys.argv[1:])
