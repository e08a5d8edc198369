"""The training loop: the engine's order of things, from the options file to the last saved file."""

from __future__ import annotations

import argparse
import math
import os
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from kohya_wrap.rehearsal import data, files, metadata, options, samples
from kohya_wrap.rehearsal.console import Bar, error, info, track, warning
from kohya_wrap.rehearsal.data import Dataset, Image, Size
from kohya_wrap.rehearsal.denoiser import Network
from kohya_wrap.rehearsal.families import SDXL, Family
from kohya_wrap.rehearsal.faults import Faults
from kohya_wrap.rehearsal.latents import Array, embed, encode
from kohya_wrap.rehearsal.optimizer import AdamW, Schedule

_STEP_SECONDS = "0.004"  # so that a demo can be watched; KOHYA_WRAP_REHEARSAL_STEP_SECONDS=0 in tests


def main(family: Family, arguments: list[str]) -> None:
    faults = Faults(os.environ)
    args = options.read(arguments)
    if args.seed is None:
        args.seed = random.randint(0, 2**32)
    rng = np.random.default_rng(args.seed)
    dataset = data.read(args)
    dataset_seed = int(rng.integers(2**31))
    if len(dataset) == 0:
        error(
            "No data found. Please verify arguments (train_data_dir must be the parent of folders "
            "with images) / 画像がありません。引数指定を確認してください"
        )
        return
    _check(args, family, dataset)
    _Training(args, family, dataset, rng, dataset_seed, faults).run()


def _check(args: argparse.Namespace, family: Family, dataset: Dataset) -> None:
    if args.cache_latents and (args.color_aug or args.random_crop):
        raise AssertionError("when caching latents, either color_aug or random_crop cannot be used")
    if args.cache_text_encoder_outputs and family is SDXL:
        fixed = not (args.shuffle_caption or args.caption_dropout_rate or args.caption_tag_dropout_rate)
        assert fixed, "when caching Text Encoder output, either caption_dropout_rate, ... cannot be used"
        cannot = "network for Text Encoder cannot be trained with caching Text Encoder outputs"
        assert args.network_train_unet_only, cannot
    assert not args.enable_bucket or args.bucket_reso_steps % family.bucket_multiple == 0, (
        f"bucket_reso_steps is {args.bucket_reso_steps}. it must be divisible by {family.bucket_multiple}."
    )
    info("preparing accelerator")
    if args.mixed_precision not in (modes := ["no", "fp8", "fp16", "bf16"]):
        raise ValueError(f"Unknown mixed_precision mode: {args.mixed_precision}. Choose between {modes}")
    for full, mixed in (("full_fp16", "fp16"), ("full_bf16", "bf16")):
        if getattr(args, full):
            assert args.mixed_precision == mixed, f"{full} requires mixed precision='{mixed}'"


class _Training:
    def __init__(
        self, args: argparse.Namespace, family: Family, dataset: Dataset,
        rng: np.random.Generator, dataset_seed: int, faults: Faults,
    ) -> None:  # fmt: skip
        self.args, self.family, self.dataset, self.faults = args, family, dataset, faults
        self.rng, self.dataset_seed = rng, dataset_seed
        self.sizes: dict[Image, Size] = {i: size for size, bucket in dataset.buckets.items() for i in bucket}
        print("accelerator device: cpu")
        info(f"rehearsal engine: no base model is read, {args.pretrained_model_name_or_path} neither")
        if args.cache_latents:
            info("caching latents with caching strategy.")
            info("caching latents...")
            for image in track(list(self.sizes)):
                self._latent(image)
        print(f"import network module: {args.network_module}")
        _import_network(args.network_module)
        self.network = Network(args, family, rng)
        texts = sum(adapter.is_text for adapter in self.network.adapters)
        info(f"create LoRA network. base dim (rank): {args.network_dim or 4}, alpha: {args.network_alpha}")
        info(f"create LoRA for Text Encoder: {texts} modules.")
        info(f"create LoRA for U-Net: {len(self.network.adapters) - texts} modules.")
        if args.network_weights is not None:
            self.network.load(load_file(args.network_weights))
            print(f"load network weights from {args.network_weights}: <All keys matched successfully>")
        print("prepare optimizer, data loader etc.")
        self.optimizer = AdamW(args, self.network.parameters())
        self.steps_per_epoch = math.ceil(len(dataset) / args.gradient_accumulation_steps)
        if args.max_train_epochs is not None:
            args.max_train_steps = args.max_train_epochs * self.steps_per_epoch
            epochs, steps = args.max_train_epochs, args.max_train_steps
            print(f"override steps. steps for {epochs} epochs is / 指定エポックまでのステップ数: {steps}")
        self.schedule = Schedule(args)
        self.epochs = math.ceil(args.max_train_steps / self.steps_per_epoch)
        if args.save_n_epoch_ratio is not None and args.save_n_epoch_ratio > 0:
            args.save_every_n_epochs = self.epochs // args.save_n_epoch_ratio or 1
        self.steps = 0  # optimizer steps of this process: like the engine's, they restart after a resume
        self.last_step = 0  # the engine's current_step: the step before the one that was just made
        self.losses: list[float] = []

    def run(self) -> None:
        args = self.args
        told = None
        if args.resume:
            info(f"resume training from local state: {args.resume}")
            told = files.load_state(Path(args.resume), self.network, self.optimizer, self.rng)
        self._announce()
        self.metadata = metadata.at_start(args, self.family, self.dataset, self.optimizer.title, self.epochs)
        first = self._first_epoch(told)
        samples.draw(args, self.network, 0, 0)
        bar = Bar(args.max_train_steps, "steps")
        for epoch in range(first, self.epochs):
            print(f"\nepoch {epoch + 1}/{self.epochs}\n")
            self._epoch(epoch, bar)
            self._after_epoch(epoch + 1)
        if args.save_state or args.save_state_on_train_end:
            info("")
            info("saving last state.")
            self._save_state(files.last_name(args), self.epochs)
        self._save(files.last_name(args), self.epochs)
        info("model saved.")
        bar.close()

    def _announce(self) -> None:
        args = self.args
        print("running training / 学習開始")
        print(f"  num train images * repeats / 学習画像の数×繰り返し回数: {self.dataset.train_images}")
        print("  num validation images * repeats / 学習画像の数×繰り返し回数: 0")
        print(f"  num reg images / 正則化画像の数: {self.dataset.reg_images}")
        print(f"  num batches per epoch / 1epochのバッチ数: {len(self.dataset)}")
        print(f"  num epochs / epoch数: {self.epochs}")
        print(f"  batch size per device / バッチサイズ: {args.train_batch_size}")
        accumulation = args.gradient_accumulation_steps
        print(f"  gradient accumulation steps / 勾配を合計するステップ数 = {accumulation}")
        print(f"  total optimization steps / 学習ステップ数: {args.max_train_steps}")

    def _first_epoch(self, told: int | None) -> int:
        """Whole epochs done already; the engine skips nothing else (and counts its steps from 0 again)."""
        args = self.args
        done = told or 0
        if args.initial_step is not None or args.initial_epoch is not None:
            if told is not None:
                warning("steps from the state is ignored because initial_step is specified")
            done = args.initial_step
            if done is None:
                done = (args.initial_epoch - 1) * self.steps_per_epoch
        assert done == 0 or args.max_train_steps > done, (
            f"max_train_steps should be greater than initial step: {args.max_train_steps} vs {done}"
        )
        return int(done // self.steps_per_epoch)

    def _epoch(self, epoch: int, bar: Bar) -> None:
        args = self.args
        pause = float(os.environ.get("KOHYA_WRAP_REHEARSAL_STEP_SECONDS", _STEP_SECONDS))
        batches = self.dataset.epoch(self.dataset_seed, epoch)
        sums: dict[str, Array] = {}
        spoil = 1.0
        for number, batch in enumerate(batches):
            self.last_step = self.steps
            if not sums:
                spoil = self.faults.at_step(self.steps + 1)
            latents = np.stack([self._latent(image) for image in batch]) * np.float32(spoil)
            text = np.stack([embed(image.caption) for image in batch])
            weights = np.array([args.prior_loss_weight if i.is_reg else 1.0 for i in batch], np.float32)
            loss, gradients = self.network.loss(latents, text, weights, self.rng)
            for key, gradient in gradients.items():
                sums[key] = sums.get(key, 0) + gradient / args.gradient_accumulation_steps
            update = (number + 1) % args.gradient_accumulation_steps == 0 or number + 1 == len(batches)
            if update:
                self.optimizer.step(sums, self.schedule.share(self.optimizer.steps), args.max_grad_norm)
                sums = {}
                self.steps += 1
                time.sleep(pause)
                bar.advance()
                samples.draw(args, self.network, None, self.steps)
                self._after_step(epoch)
            bar.show_loss(self._average(epoch, number, loss))
            if self.steps >= args.max_train_steps:
                break

    def _after_step(self, epoch: int) -> None:
        args, every = self.args, self.args.save_every_n_steps
        if every is None or self.steps % every != 0:
            return
        self._save(files.step_name(args, self.steps), epoch)
        if args.save_state:
            info("")
            info(f"saving state at step {self.steps}")
            self._save_state(files.step_name(args, self.steps), epoch + 1)
            if kept := args.save_last_n_steps_state or args.save_last_n_steps:
                files.remove_state(args, files.step_name(args, _old_step(self.steps, kept, every)))
        if args.save_last_n_steps is not None:
            files.remove_lora(
                args, files.step_name(args, _old_step(self.steps, args.save_last_n_steps, every))
            )

    def _after_epoch(self, epoch: int) -> None:
        args, every = self.args, self.args.save_every_n_epochs
        if every is not None and epoch % every == 0 and epoch < self.epochs:
            self._save(files.epoch_name(args, epoch), epoch)
            if args.save_last_n_epochs is not None:
                files.remove_lora(args, files.epoch_name(args, epoch - every * args.save_last_n_epochs))
            if args.save_state:
                info("")
                info(f"saving state at epoch {epoch}")
                self._save_state(files.epoch_name(args, epoch), epoch)
                if kept := args.save_last_n_epochs_state or args.save_last_n_epochs:
                    files.remove_state(args, files.epoch_name(args, epoch - every * kept))
        samples.draw(args, self.network, epoch, self.steps)

    def _save(self, name: str, epoch: int) -> None:
        header = metadata.at_saving(self.args, self.family, self.metadata, steps=self.steps, epoch=epoch)
        files.save_lora(self.args, name, self.network, header, self.faults)

    def _save_state(self, name: str, epoch: int) -> None:
        step = self.last_step + 1
        files.save_state(
            self.args, name, self.network, self.optimizer, self.rng, self.faults, epoch=epoch, step=step
        )

    def _latent(self, image: Image) -> Array:
        exact = not (self.args.cache_latents or self.args.enable_bucket or self.args.random_crop)
        return encode(image, self.sizes[image], exact=exact)

    def _average(self, epoch: int, number: int, loss: float) -> float:
        """The engine's avr_loss: the mean of the latest loss of every batch of an epoch."""
        if epoch == 0:
            self.losses.append(loss)
        else:
            self.losses += [0.0] * (number + 1 - len(self.losses))
            self.losses[number] = loss
        return float(np.mean(self.losses))


def _old_step(step: int, kept: int, every: int) -> int:
    old = step - kept - 1
    return old - old % every


def _import_network(name: Any) -> None:
    """Only networks.lora is played; None, where the option is missing, has no startswith there either."""
    if name.startswith("lycoris."):
        raise NotImplementedError("the rehearsal engine does not play LyCORIS: train with the real engine")
    if name != "networks.lora":
        raise ModuleNotFoundError(f"No module named '{name}'")
