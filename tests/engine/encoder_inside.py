"""Runs in the engine's interpreter: its own caching of a folder, as often as asked, its models loaded once.

A request is one line of JSON with the engine's options; the answer one line: caption of every image it took, or
`died` with what it died of. With `fetch` nothing is cached: each image is taken as at its batch, and what came of it said.
What the VAE would draw at random is its mean here, so that latents can be compared.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

sys.path.insert(0, sys.argv[1])
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # the engine prints; the answers stand alone

import torch  # noqa: E402
from diffusers import AutoencoderKL  # noqa: E402
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution  # noqa: E402
from library import config_util, strategy_base, strategy_sdxl, train_util  # noqa: E402
from tools import cache_latents  # noqa: E402

torch.set_num_threads(2)
DiagonalGaussianDistribution.sample = lambda self, generator=None: self.mode()

load, loaded = train_util.load_target_model, {}


def load_once(args: argparse.Namespace, weight_dtype: Any, accelerator: Any) -> Any:
    key = (args.pretrained_model_name_or_path, args.vae)
    if key not in loaded:
        vae = load(args, weight_dtype, accelerator)[1]
        loaded[key] = (None, vae, None, None)  # the rest takes gigabytes, and is not asked for
    return loaded[key]


train_util.load_target_model = load_once

generate, groups = config_util.generate_dataset_group_by_blueprint, []


def generate_and_remember(blueprint: Any) -> Any:
    groups.append(generate(blueprint))
    return groups[-1]


config_util.generate_dataset_group_by_blueprint = generate_and_remember


class TokensAsOutputs(strategy_base.TextEncodingStrategy):
    """Stands for two text encoders of gigabytes: what comes out depends on the tokens alone."""

    def encode_tokens(self, tokenize: Any, models: Any, tokens: Any) -> Any:
        first = tokens[0].reshape(tokens[0].shape[0], -1, 1).float()
        return [first.expand(-1, -1, 8), first.expand(-1, -1, 4), first[:, 0]]


def cache_texts(args: argparse.Namespace) -> None:
    """As sdxl_train_network.py does, on the datasets that were made for the latents."""
    strategy_base.TextEncoderOutputsCachingStrategy._strategy = None
    strategy_base.TextEncodingStrategy._strategy = None
    strategy_base.TokenizeStrategy._strategy = None
    strategy_base.TokenizeStrategy.set_strategy(
        strategy_sdxl.SdxlTokenizeStrategy(args.max_token_length, args.tokenizer_cache_dir)
    )
    strategy_base.TextEncodingStrategy.set_strategy(TokensAsOutputs())
    strategy_base.TextEncoderOutputsCachingStrategy.set_strategy(
        strategy_sdxl.SdxlTextEncoderOutputsCachingStrategy(True, 1, False)
    )
    accelerator = train_util.prepare_accelerator(args)
    groups[-1][0].new_cache_text_encoder_outputs([None, None], accelerator)


encode = train_util.DatasetGroup.new_cache_latents


def fetched() -> dict[str, str]:
    """What came of each image, in a batch of its own."""
    found = {}
    (dataset,) = groups[-1][0].datasets
    dataset.set_current_strategies()
    for number, index in enumerate(dataset.buckets_indices):
        key = dataset.bucket_manager.buckets[index.bucket_index][index.batch_index]
        try:
            dataset[number]
            found[dataset.image_data[key].absolute_path] = ""
        except AssertionError as error:
            found[dataset.image_data[key].absolute_path] = str(error)
    return found


def answer(request: dict[str, Any]) -> dict[str, str]:
    texts, fetch = request.pop("texts", False), request.pop("fetch", False)
    train_util.DatasetGroup.new_cache_latents = (lambda *_: None) if fetch else encode
    parser = cache_latents.setup_parser()
    args = parser.parse_args([], argparse.Namespace(**request))
    strategy_base.LatentsCachingStrategy._strategy = None
    strategy_base.TokenizeStrategy._strategy = None
    cache_latents.cache_to_disk(args)
    if fetch:
        return fetched()
    if texts:
        cache_texts(args)
    images = [info for dataset in groups[-1][0].datasets for info in dataset.image_data.values()]
    return {info.absolute_path: info.caption for info in images}


for line in sys.stdin:
    request = json.loads(line)
    if "make_vae" in request:  # another one: half as loud, or without a number in it
        vae = next(iter(loaded.values()))[1]
        other = AutoencoderKL.from_config(vae.config)
        other.load_state_dict(
            {name: tensor * request.get("times", 0.5) for name, tensor in vae.state_dict().items()}
        )
        other.half().save_pretrained(request["make_vae"])
        result: dict[str, str] = {}
    else:
        try:
            result = answer(request)
        except Exception as error:
            result = {"died": f"{type(error).__name__}: {error}"}
    print(json.dumps(result), file=answers, flush=True)
