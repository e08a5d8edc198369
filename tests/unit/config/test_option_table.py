"""The shipped tables: who reads a name, and which keys the arguments of networks, optimizers and schedulers have."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kohya_wrap.config.option_table import (
    for_script,
    network_args,
    optimizer_args,
    readers,
    scheduler_args,
)
from kohya_wrap.domain.arguments import Argument


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("fp16", "gen_img.py"),
        ("batch_size", "dataset_config"),
        ("num_repeats", "dataset_config"),
        ("blocks_to_swap", "flux_train_network.py"),
        ("token_string", "train_textual_inversion.py"),
        ("cache_text_encoder_outputs", "sdxl_train_network.py"),
        ("thresh", "finetune/tag_images_by_wd14_tagger.py"),
    ],
)
def test_who_reads_a_name(name: str, reader: str) -> None:
    assert reader in readers(name)


def test_the_nearest_reader_stands_first() -> None:
    assert readers("cache_text_encoder_outputs")[0] == "sdxl_train_network.py"
    assert readers("batch_size")[0] == "dataset_config"


@pytest.mark.parametrize("name", ["banana", "network_dim"])
def test_names_that_nobody_or_every_entry_script_reads_are_not_listed(name: str) -> None:
    assert readers(name) == ()


def test_every_name_with_other_readers_is_unknown_to_an_entry_script() -> None:
    both = set(for_script("train_network.py")) & set(for_script("sdxl_train_network.py"))
    assert [name for name in both if readers(name)] == []


def kinds(known: Mapping[str, Argument] | None) -> dict[str, str]:
    assert known is not None
    return {name: argument.type for name, argument in known.items()}


@pytest.mark.parametrize(
    ("module", "key", "kind"),
    [
        ("networks.lora", "conv_dim", "int"),
        ("networks.lora", "loraplus_lr_ratio", "float"),
        ("networks.lora", "block_dims", "list"),
        ("networks.lora_fa", "module_dropout", "float"),
        ("networks.dylora", "unit", "int"),
        ("networks.oft", "enable_conv", "flag"),
        ("lycoris.kohya", "dora_wd", "bool"),
        ("lycoris.kohya", "factor", "int"),
        ("lycoris.kohya", "decompose_both", "flag"),
        ("lycoris.kohya", "use_cp", "bool"),
    ],
)
def test_network_args(module: str, key: str, kind: str) -> None:
    assert kinds(network_args(module))[key] == kind


@pytest.mark.parametrize(
    ("module", "key"),
    [
        ("networks.lora", "unit"),
        ("networks.lora", "algo"),
        ("networks.lora", "dropout"),  # what LyCORIS calls it; networks.lora would ignore it
        ("networks.lora_fa", "loraplus_lr_ratio"),
        ("networks.lora", "network_dim"),  # the engine passes it: given twice, a TypeError
    ],
)
def test_keys_a_module_does_not_use(module: str, key: str) -> None:
    assert key not in kinds(network_args(module))


def test_a_module_that_is_not_known() -> None:
    assert network_args("my.own_module") is None


def test_lycoris_algorithms_are_those_of_the_locked_version() -> None:
    known = network_args("lycoris.kohya")
    assert known is not None
    assert all(known["algo"].refuses(name) == "" for name in ("lora", "locon", "loha", "lokr", "LoKr"))
    assert known["algo"].refuses("ia3"), "has a module, but no entry: a KeyError"
    assert known["preset"].refuses("attn-mlp") == "" and known["preset"].refuses("attn_mlp")


@pytest.mark.parametrize(
    ("optimizer", "key", "kind"),
    [
        ("AdamW8bit", "weight_decay", "float"),
        ("adamw8BIT", "betas", "list"),
        ("AdamW", "fused", "bool"),
        ("Prodigy", "d_coef", "float"),
        ("Prodigy", "decouple", "bool"),
        ("Adafactor", "relative_step", "bool"),
        ("Lion", "weight_decay", "float"),
        ("PagedAdamW32bit", "eps", "float"),
        ("SGDNesterov", "momentum", "float"),
        ("RAdamScheduleFree", "betas", "list"),
        ("NAdam", "momentum_decay", "float"),
        ("SGD", "nesterov", "bool"),
        ("bitsandbytes.optim.AdEMAMix8bit", "t_alpha", "int"),
        ("prodigyplus.ProdigyPlusScheduleFree", "use_stableadamw", "bool"),
    ],
)
def test_optimizer_args(optimizer: str, key: str, kind: str) -> None:
    assert kinds(optimizer_args(optimizer))[key] == kind


@pytest.mark.parametrize(
    ("optimizer", "key"),
    [("AdamW", "lr"), ("AdamW", "params"), ("SGDNesterov", "nesterov"), ("AdamW8bit", "decouple")],
)
def test_keys_an_optimizer_does_not_take(optimizer: str, key: str) -> None:
    assert key not in kinds(optimizer_args(optimizer))


@pytest.mark.parametrize("optimizer", ["DAdaptAdam", "banana", "nadam", "AdEMAMix8bit", "my.own.Optimizer"])
def test_optimizers_that_are_not_known(optimizer: str) -> None:
    """Not installed; no such; of torch.optim, which is case-sensitive; of bitsandbytes, but only by its path."""
    assert optimizer_args(optimizer) is None


@pytest.mark.parametrize(
    ("scheduler", "key", "known"),
    [
        ("cosine", "num_cycles", True),
        ("cosine", "num_warmup_steps", False),
        ("cosine_with_restarts", "num_cycles", False),  # the engine passes lr_scheduler_num_cycles
        ("cosine_with_min_lr", "min_lr", True),
        ("polynomial", "lr_end", True),
        ("piecewise_constant", "step_rules", True),
        ("CosineAnnealingLR", "T_max", True),
    ],
)
def test_scheduler_args(scheduler: str, key: str, known: bool) -> None:
    assert (key in kinds(scheduler_args(scheduler))) is known


def test_only_network_args_stay_texts() -> None:
    """The engine reads the others with ast.literal_eval, which knows no `true`."""
    networks, optimizers = network_args("lycoris.kohya"), optimizer_args("AdamW")
    schedulers = scheduler_args("OneCycleLR")
    assert networks and optimizers and schedulers
    assert networks["dora_wd"].refuses("true") == ""
    assert optimizers["amsgrad"].refuses("true") and schedulers["three_phase"].refuses("true")


def test_the_switch_of_lycoris_that_does_the_opposite_is_refused() -> None:
    known = network_args("lycoris.kohya")
    assert (
        known and known["disable_conv_cp"].refuses("True") and not known["disable_conv_cp"].refuses("False")
    )
