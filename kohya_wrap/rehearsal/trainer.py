"""The training loop: the engine's order of things, from the options file to the last saved file."""

from __future__ import annotations

import math
import os
import random
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from kohya_wrap.rehearsal import data, files, options, played
from kohya_wrap.rehearsal.console import Bar, log, track
from kohya_wrap.rehearsal.data import Dataset
from kohya_wrap.rehearsal.faults import Faults
from kohya_wrap.rehearsal.network import AdamW, Array, Family, Network, embed, encode
from kohya_wrap.rehearsal.options import Options

_STEP_SECONDS = "0.004"  # so that a demo can be watched; KOHYA_WRAP_REHEARSAL_STEP_SECONDS=0 in tests


def main(family: Family, arguments: list[str]) -> None:
    faults = Faults()
    args = options.read(arguments)
    dataset = data.read(args)
    if len(dataset) == 0:
        text = "No data found. Please verify arguments (train_data_dir must be the parent of folders with images)"
        log(f"{text} / 画像がありません。引数指定を確認してください", "ERROR")
        return
    step, multiple = args.bucket_reso_steps, family.bucket_multiple
    if args.enable_bucket:
        assert step % multiple == 0, f"bucket_reso_steps is {step}. it must be divisible by {multiple}."
    if args.mixed_precision not in ("no", "fp8", "fp16", "bf16"):
        raise ValueError(f"Unknown mixed_precision mode: {args.mixed_precision}.")
    if args.seed is None:
        args.seed = random.randint(0, 2**32)
    _Training(args, family, dataset, faults).run()


class _Training:
    def __init__(self, args: Options, family: Family, dataset: Dataset, faults: Faults) -> None:
        self.args, self.family, self.dataset, self.faults = args, family, dataset, faults
        self.rng = np.random.default_rng(args.seed)
        print("accelerator device: cpu")
        log(f"rehearsal engine: no base model is read, {args.pretrained_model_name_or_path} neither")
        if args.cache_latents:
            log("caching latents...")
            for path, _ in track([image for subset in dataset.subsets for image in subset.images]):
                encode(path)
        print(f"import network module: {args.network_module}")
        if not played.is_network(args.network_module):
            raise ModuleNotFoundError(f"No module named '{args.network_module}' (rehearsal engine)")
        self.network = Network(args, family, self.rng)
        log(f"create LoRA network. base dim (rank): {args.network_dim}, alpha: {args.network_alpha}")
        if args.network_weights:
            self.network.load(load_file(args.network_weights))
            print(f"load network weights from {args.network_weights}: <All keys matched successfully>")
        print("prepare optimizer, data loader etc.")
        self.optimizer = AdamW(args, self.network.parameters)
        self.steps_per_epoch = math.ceil(len(dataset) / args.gradient_accumulation_steps)
        if (epochs := args.max_train_epochs) is not None:
            args.max_train_steps = steps = epochs * self.steps_per_epoch
            print(f"override steps. steps for {epochs} epochs is / 指定エポックまでのステップ数: {steps}")
        self.epochs = math.ceil(args.max_train_steps / self.steps_per_epoch)
        if args.save_n_epoch_ratio:
            args.save_every_n_epochs = self.epochs // args.save_n_epoch_ratio or 1
        self.images = sum(len(bucket) for bucket in dataset.buckets.values())  # with repeats
        self.steps = 0  # optimizer steps of this process: like the engine's, they restart after a resume
        self.losses: list[float] = []  # the latest of every batch of an epoch

    def run(self) -> None:
        args = self.args
        first = self._resume()
        print("running training / 学習開始")
        print(f"  num train images * repeats / 学習画像の数×繰り返し回数: {self.images}")
        print(
            "  num validation images * repeats / 学習画像の数×繰り返し回数: 0\n  num reg images / 正則化画像の数: 0"
        )
        print(f"  num batches per epoch / 1epochのバッチ数: {len(self.dataset)}")
        print(f"  num epochs / epoch数: {self.epochs}")
        print(f"  batch size per device / バッチサイズ: {args.train_batch_size}")
        print(
            f"  gradient accumulation steps / 勾配を合計するステップ数 = {args.gradient_accumulation_steps}"
        )
        print(f"  total optimization steps / 学習ステップ数: {args.max_train_steps}")
        bar = Bar(args.max_train_steps, "steps: ")
        for self.epoch in range(first, self.epochs + 1):  # noqa: B020 - an attribute, not `self`
            print(f"\nepoch {self.epoch}/{self.epochs}\n")
            self._epoch(bar)
            if self.epoch < self.epochs:
                self._checkpoint("epoch", self.epoch)
        if args.save_state or args.save_state_on_train_end:
            self._save_state("last", 0)
        self._save("last", 0)
        log("model saved.")
        bar.draw(end="\n")

    def _resume(self) -> int:
        """The first epoch to train: the engine skips whole ones only, and counts its steps from 0 again."""
        done, args = self.args.initial_step, self.args
        if args.resume:
            log(f"resume training from local state: {args.resume}")
            told = files.load_state(Path(args.resume), self.network, self.optimizer, self.rng)
            if done is not None:
                log("steps from the state is ignored because initial_step is specified", "WARNING")
            done = told if done is None else done
        text = f"max_train_steps should be greater than initial step: {args.max_train_steps} vs {done}"
        assert not done or args.max_train_steps > done, text
        return int((done or 0) // self.steps_per_epoch) + 1

    def _epoch(self, bar: Bar) -> None:
        args = self.args
        pause = float(os.environ.get("KOHYA_WRAP_REHEARSAL_STEP_SECONDS", _STEP_SECONDS))
        batches = self.dataset.epoch(args.seed, self.epoch)
        sums: dict[str, Array] = {}
        for number, batch in enumerate(batches):
            latents = np.stack([encode(path) for path, _ in batch])
            if not sums:
                self.faults.at_step(self.steps + 1, latents)
            text = np.stack([embed(caption) for _, caption in batch])
            loss, gradients = self.network.loss(latents, text, self.rng)
            for key, gradient in gradients.items():
                sums[key] = sums.get(key, 0) + gradient / args.gradient_accumulation_steps
            if (number + 1) % args.gradient_accumulation_steps == 0 or number + 1 == len(batches):
                self.optimizer.step(sums)
                sums = {}
                self.steps += 1
                time.sleep(pause)
                bar.advance()
                self._checkpoint("step", self.steps)
            self.losses[number : number + 1] = [loss]
            bar.draw(loss=float(np.mean(self.losses)))
            if self.steps >= args.max_train_steps:
                break

    def _checkpoint(self, unit: str, number: int) -> None:
        """Save where that many epochs or steps are due, and remove what is then one too many."""
        args, every = self.args, getattr(self.args, f"save_every_n_{unit}s")
        if every is None or number % every != 0:
            return
        self._save(unit, number)
        if args.save_state:
            self._save_state(unit, number)
        last = f"save_last_n_{unit}s"
        for option, ending in ((last, f".{args.save_model_as}"), (f"{last}_state", "-state")):
            if kept := getattr(args, option) or getattr(args, last):  # a count of epochs, a distance in steps
                old = number - every * kept if unit == "epoch" else (number - kept - 1) // every * every
                files.remove(self._path(unit, old, ending))

    def _save(self, unit: str, number: int) -> None:
        """Without an output_dir: TypeError, and no sooner, as the engine."""
        Path(self.args.output_dir).mkdir(parents=True, exist_ok=True)
        header = files.metadata(
            self.args, self.family, self.dataset, optimizer=self.optimizer.title, num_epochs=self.epochs,
            epoch=self.epoch - 1 if unit == "step" else self.epoch, steps=self.steps, num_train_images=self.images,
        )  # fmt: skip
        path = self._path(unit, number, f".{self.args.save_model_as}")
        full = self.faults.strikes("disk-full@save")
        files.save_lora(path, self.network, header, self.args.save_precision, full)

    def _save_state(self, unit: str, number: int) -> None:
        log("")
        log("saving last state." if unit == "last" else f"saving state at {unit} {number}")
        files.save_state(
            self._path(unit, number, "-state"), self.network, self.optimizer, self.rng,
            self.faults.strikes("disk-full@state"), current_epoch=self.epoch, current_step=self.steps,
        )  # fmt: skip

    def _path(self, unit: str, number: int, ending: str) -> Path:
        name, part = {
            "epoch": ("epoch", f"-{number:06d}"), "step": ("at", f"-step{number:08d}"), "last": ("last", "")
        }[unit]  # fmt: skip
        given = self.args.output_name  # an empty one too, as in the engine
        return Path(self.args.output_dir) / f"{name if given is None else given}{part}{ending}"
