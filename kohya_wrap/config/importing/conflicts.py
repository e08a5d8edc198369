"""Options that a source holds beside others, and that the engine refuses or does not use there.

Only what is not learned is given up here: a source that trains something impossible is left as it is, and
`config check` says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from kohya_wrap.config import option_table
from kohya_wrap.config.importing.ledger import Ledger
from kohya_wrap.domain.buckets import parse_resolution
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.finding import Finding, Level

_KERNELS = ("mem_eff_attn", "xformers", "sdpa")  # of several, the engine takes the first
_TEXT_CACHES = ("cache_text_encoder_outputs", "cache_text_encoder_outputs_to_disk")
_LATENT_CACHES = ("cache_latents", "cache_latents_to_disk")
_PER_USE = ("shuffle_caption", "caption_dropout_rate", "token_warmup_step", "caption_tag_dropout_rate")
_SAMPLE_PLANS = ("sample_every_n_epochs", "sample_every_n_steps", "sample_at_first")


def settle(ledger: Ledger) -> None:
    """Give up what the engine would refuse, let go what would do nothing; each with its reason."""
    if file := ledger.options.get("dataset_config"):
        ledger.say(Finding(
            Level.WARNING, "dataset-config", f"the source trains what {file} names: resolution, batch, repeats and captions "
            "there win over those here.",
            "Write them into [dataset] and [training], and put the images into training_data/N_concept folders.",
        ))  # fmt: skip
    for option, why in list(_refused(ledger)):
        if option in ledger.options:
            ledger.give_up(option, why)
    for option, why in list(_idle(ledger)):
        if option in ledger.options:
            ledger.idle(option, why)
    _arguments(ledger)


def _arguments(ledger: Ledger) -> None:
    """Keys of `network_args` that the module does not read, or reads as more than they say; it does both in silence."""
    module, items = str(ledger.options.get("network_module")), ledger.options.get("network_args", [])
    known = option_table.network_args(module)
    if not known:
        return
    kept = []
    for item in items:
        key, _, text = item.partition("=")
        if key not in known:
            ledger.drop(f"network_args {item}", item, f"{module} does not read it")
        elif known[key].type == "flag" and text != "True":
            ledger.say(Finding(
                Level.WARNING, "flag", f"{module} takes any text after `{key}=` as on, also {text!r}: the source trained "
                f"with it on, so it is {key}=True here.", f"To train what it says, take {key} out of network_args.",
            ))  # fmt: skip
            kept.append(f"{key}=True")
        else:
            kept.append(item)
    if kept != items:
        ledger.revise("network_args", kept)


def _refused(ledger: Ledger) -> Iterator[tuple[str, str]]:
    said = ledger.options
    for option in ("dataset_config", "in_json"):
        yield option, "kohya-wrap trains numbered folders: put the images into training_data/N_concept"
    if not said.get("network_train_unet_only") or (per_use := [o for o in _PER_USE if said.get(o)]):
        beside = (
            "training the text encoders" if not said.get("network_train_unet_only") else ", ".join(per_use)
        )
        for option in _TEXT_CACHES:
            yield option, f"the engine refuses it beside {beside}"
    if beside := ", ".join(o for o in ("color_aug", "random_crop") if said.get(o)):
        for option in _LATENT_CACHES:
            yield option, f"the engine refuses it beside {beside}"
    constant = said.get("lr_scheduler", "constant") == "constant" and not said.get("lr_scheduler_type")
    if constant and said.get("lr_warmup_steps"):
        yield "lr_warmup_steps", "the engine refuses a warm-up with lr_scheduler = constant"
    if not said.get("max_data_loader_n_workers", 8):
        yield "persistent_data_loader_workers", "the engine refuses it with max_data_loader_n_workers = 0"
    for kind in ("fp16", "bf16"):
        if said.get("mixed_precision", "no") != kind:
            yield f"full_{kind}", f"the engine refuses it without mixed_precision = {kind}"
    if said.get("log_with") in ("wandb", "all"):
        yield "log_with", "wandb is not in the engine's environment; TensorBoard's logs are kept anyway"
    yield from _buckets(ledger)


def _buckets(ledger: Ledger) -> Iterator[tuple[str, str]]:
    """Sides that do not fit the resolution, and steps of another size than the engine's networks have."""
    said = ledger.options
    if not said.get("enable_bucket"):
        return
    multiple = (
        64 if ledger.family is FamilyName.SD15 else 32
    )  # where the family is not known, the base decides
    step = said.get("bucket_reso_steps", multiple)
    if step % multiple:
        yield "bucket_reso_steps", f"the engine takes multiples of {multiple} only"
    try:
        sides = parse_resolution(said["resolution"])
    except (KeyError, ValueError):
        return
    if said.get("min_bucket_reso", 256) > min(sides):
        yield "min_bucket_reso", "the engine refuses one above the resolution"
    if said.get("max_bucket_reso", 1024) < max(sides):
        yield "max_bucket_reso", "the engine refuses one below the resolution"


def _idle(ledger: Ledger) -> Iterator[tuple[str, str]]:
    said = ledger.options
    chosen = [kernel for kernel in _KERNELS if said.get(kernel)]
    for kernel in chosen[1:]:
        yield kernel, f"the engine takes {chosen[0]} before it"
    if said.get("max_train_epochs"):
        yield "max_train_steps", "max_train_epochs overrides it"
    if not said.get("sample_prompts"):
        for option in _SAMPLE_PLANS:
            yield option, "there are no prompts to sample"
