"""Sample pictures while training: the miniature's own denoising, under the engine's file names."""

from __future__ import annotations

import argparse
import re
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from kohya_wrap.rehearsal.console import error, info
from kohya_wrap.rehearsal.denoiser import ALPHA_BARS, Network
from kohya_wrap.rehearsal.latents import LATENT, Array, decode, embed


def draw(args: argparse.Namespace, network: Network, epoch: int | None, steps: int) -> None:
    """To be asked before training (epoch 0, steps 0), after each step (no epoch) and after each epoch."""
    if steps == 0:
        due = args.sample_at_first
    elif args.sample_every_n_epochs is not None:
        due = epoch is not None and epoch % args.sample_every_n_epochs == 0
    else:
        due = (
            args.sample_every_n_steps is not None and epoch is None and steps % args.sample_every_n_steps == 0
        )
    if not due:
        return
    info(f"generating sample images at step / サンプル画像生成 ステップ: {steps}")
    path = Path(args.sample_prompts)
    if not path.is_file():
        error(f"No prompt file: {path}")
        return
    folder = Path(args.output_dir) / "sample"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip() and line[0] != "#"]
    for number, line in enumerate(lines):
        flags = {flag: int(value) for flag, value in re.findall(r" --([whds]) (\d+)", line)}
        latent = _denoise(network, line.split(" --")[0].strip(), flags.get("d"), min(30, flags.get("s", 30)))
        width, height = (max(64, flags.get(side, 512) // 8 * 8) for side in "wh")
        when = f"{steps:06d}" if epoch is None else f"e{epoch:06d}"
        parts = [args.output_name, when, f"{number:02d}", time.strftime("%Y%m%d%H%M%S"), flags.get("d")]
        name = "_".join(str(part) for part in parts if part is not None)
        decode(latent, (width, height)).save(folder / f"{name}.png")


def _denoise(network: Network, prompt: str, seed: int | None, steps: int) -> Array:
    latent = np.random.default_rng(seed).standard_normal((1, LATENT), dtype=np.float32)
    levels = ALPHA_BARS[np.linspace(len(ALPHA_BARS) - 1, 0, steps + 1).astype(int)]
    for kept, next_kept in pairwise(levels):  # DDIM
        noise = network.predict(latent, embed(prompt)[None])
        clean = np.clip((latent - np.sqrt(1 - kept) * noise) / np.sqrt(kept), -3, 3)
        latent = np.sqrt(next_kept) * clean + np.sqrt(1 - next_kept) * noise
    return np.asarray(np.nan_to_num(latent[0]), np.float32)
