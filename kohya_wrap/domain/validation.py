"""Images that the engine sets aside to judge by: never trained on, their loss taken at fixed timesteps."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.dataset import Inventory, Subset

# Without a seed the engine draws twice, once for each part, and trains on some of what it judges by.
SEED = 42


def trained(found: Inventory, config: TrainingConfig) -> Inventory:
    """Less those that `validation_split` takes out (split_train_val of the engine's train_util.py)."""
    share = config.get("validation_split")
    if not share:
        return found
    seed = config.get("validation_seed", SEED)
    return replace(found, subsets=tuple(_trained(subset, share, seed) for subset in found.subsets))


def _trained(subset: Subset, share: float, seed: int) -> Subset:
    """In every folder by itself; they are shuffled in the order of their names, which in the view is the user's."""
    images = list(subset.images)
    random.Random(seed).shuffle(images)
    return replace(subset, images=tuple(images[: math.ceil(len(images) * (1 - share))]))
