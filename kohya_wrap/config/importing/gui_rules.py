"""Fields of the GUI that are not passed on as they stand: one small function for what belongs together."""

from __future__ import annotations

from kohya_wrap.config.importing.gui_fields import GuiFields, tables
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.finding import Finding, Level


def _steps(gui: GuiFields) -> None:
    """Epochs win over steps; with neither the GUI counts the steps of `epoch` epochs itself."""
    ledger, steps, epochs = gui.ledger, gui.number("max_train_steps"), gui.number("max_train_epochs")
    if epochs:
        ledger.take("max_train_epochs", "max_train_epochs", epochs)
        if gui.has("epoch"):
            ledger.drop("epoch", gui.data["epoch"], "max_train_epochs overrides it")
        if steps:
            ledger.drop("max_train_steps", steps, "max_train_epochs overrides it")
    elif steps:
        ledger.take("max_train_steps", "max_train_steps", steps)
        if gui.has("epoch"):
            ledger.drop("epoch", gui.data["epoch"], "max_train_steps overrides it")
    elif gui.has("dataset_config"):  # then the GUI counts nothing
        ledger.drop(
            "epoch", gui.data.get("epoch"), "with a dataset file the GUI leaves the steps to the engine"
        )
    elif not ledger.has_booked("epoch"):  # else it is lost, and the length is not known
        ledger.take("epoch", "max_train_epochs", gui.number("epoch") or 1)
        ledger.say(Finding(
            Level.NOTE, "whole-epochs",
            "the GUI divides all images by the batch and trains so many steps; here whole epochs are trained, which is "
            "a few steps more where buckets leave remainders.",
        ))  # fmt: skip
    if gui.has("lr_scheduler_num_cycles"):
        ledger.take("lr_scheduler_num_cycles", "lr_scheduler_num_cycles", gui.data["lr_scheduler_num_cycles"])


def _warm_up(gui: GuiFields) -> None:
    """Steps, else percent of all steps."""
    percent, steps = gui.number("lr_warmup"), gui.number("lr_warmup_steps")
    if steps > 0:
        gui.ledger.keep("lr_warmup_steps", "lr_warmup_steps", int(steps))
        if percent:
            gui.ledger.drop("lr_warmup", percent, "lr_warmup_steps overrides it")
    elif percent:
        gui.ledger.keep("lr_warmup", "lr_warmup_steps", percent / 100)


def _rates(gui: GuiFields) -> None:
    """A rate of 0 for one part means that only the other is trained."""
    rate, text, unet = (gui.number(f) for f in ("learning_rate", "text_encoder_lr", "unet_lr"))
    ledger = gui.ledger
    if rate:
        ledger.keep("learning_rate", "learning_rate", rate)
    if unet:
        ledger.keep("unet_lr", "unet_lr", unet)
    if text:
        ledger.keep("text_encoder_lr", "text_encoder_lr", text)
    if (ledger.has_booked("text_encoder_lr") and not text) or (ledger.has_booked("unet_lr") and not unet):
        return  # one of them is lost: nothing follows from its absence
    if text and not unet:
        ledger.keep("unet_lr", "network_train_text_encoder_only", True)
    if unet and not text:
        ledger.keep("text_encoder_lr", "network_train_unet_only", True)


_OFFSET: tuple[str, ...] = ("noise_offset", "noise_offset_random_strength", "adaptive_noise_scale")
_MULTIRES: tuple[str, ...] = ("multires_noise_iterations", "multires_noise_discount")


def _noise(gui: GuiFields) -> None:
    """`noise_offset_type` chooses which of the two kinds is passed on."""
    kind = gui.data.get("noise_offset_type")
    chosen, other = (_OFFSET, _MULTIRES) if kind == "Original" else (_MULTIRES, _OFFSET)
    if kind is None:  # before there was a switch
        chosen, other = (*_OFFSET, *_MULTIRES), ()
    else:
        gui.ledger.drop("noise_offset_type", kind, "it is the GUI's switch between two kinds of noise")
    for field in chosen:
        if gui.has(field):
            gui.ledger.take(field, field, gui.data[field])
    for field in other:
        if gui.has(field):
            gui.ledger.drop(field, gui.data[field], f"noise_offset_type = {kind} leaves it out")


def _precision(gui: GuiFields) -> None:
    """What the GUI passes on for SDXL alone."""
    for field, option in (
        ("sdxl_no_half_vae", "no_half_vae"),
        ("sdxl_cache_text_encoder_outputs", "cache_text_encoder_outputs"),
    ):
        if gui.has(field) and gui.ledger.family is FamilyName.SDXL:
            gui.ledger.take(field, option, gui.data[field])
        elif gui.has(field):
            gui.ledger.drop(field, gui.data[field], "it is for SDXL alone")


def _attention(gui: GuiFields) -> None:
    """A switch in old configs, a choice in new ones."""
    chosen = gui.data.get("xformers")
    if chosen is True:
        chosen = "xformers"
    if chosen in ("xformers", "sdpa"):
        gui.ledger.keep("xformers", chosen, True)
    if gui.has("use_8bit_adam") and "optimizer" not in gui.data:
        gui.ledger.keep("use_8bit_adam", "optimizer_type", "AdamW8bit")
    elif "use_8bit_adam" in gui.data:
        gui.ledger.drop("use_8bit_adam", gui.data["use_8bit_adam"], "`optimizer` overrides it")


def _seed(gui: GuiFields) -> None:
    if gui.number("seed"):
        gui.ledger.take("seed", "seed", gui.data["seed"])


def _samples(gui: GuiFields) -> None:
    """The GUI keeps the prompts themselves, and writes them into a file for the engine."""
    prompts = str(gui.data.get("sample_prompts") or "").strip()
    if prompts:
        gui.prompts = prompts + "\n"
        gui.ledger.keep("sample_prompts", "sample_prompts", "./sample_prompts.txt")


def _base(gui: GuiFields) -> None:
    field = "pretrained_model_name_or_path"
    named = gui.data.get(field) or ""
    bases = tables()["bases"]
    if isinstance(named, str) and named in bases:
        gui.base = bases[named]
        gui.ledger.drop(field, named, f'[kohya_wrap] base = "{gui.base}" names the same weights in one file')
    else:
        gui.ledger.take(field, field, named)


def _data_loader(gui: GuiFields) -> None:
    """The GUI passes the number of workers on even where it is 0."""
    workers = "max_data_loader_n_workers"
    if gui.data.get(workers) not in (None, ""):
        gui.ledger.keep(workers, workers, int(gui.number(workers)))
    if gui.has("persistent_data_loader_workers"):
        gui.ledger.take("persistent_data_loader_workers", "persistent_data_loader_workers", True)
    for field in ("num_processes", "num_machines"):
        if gui.number(field) > 1:
            why = "kohya-wrap trains on one GPU; there, each step saw as many batches as processes"
            gui.ledger.lose(field, gui.data[field], why)
        elif gui.has(field):
            gui.ledger.drop(field, gui.data[field], "it is the launcher's, which kohya-wrap sets itself")


def _left_over(gui: GuiFields) -> None:
    ledger, data = gui.ledger, gui.data
    if gui.has("fp8_base_unet"):
        ledger.drop("fp8_base_unet", data["fp8_base_unet"], "the GUI passes it on for Flux alone")
    if gui.has("train_inpainting"):
        ledger.lose("train_inpainting", True, "the engine at our pin has no such training")
    if str(data.get("use_wandb")) == "True" and not gui.has("log_with"):
        ledger.take("use_wandb", "log_with", "wandb")
    elif gui.has("use_wandb"):
        ledger.drop("use_wandb", data["use_wandb"], "log_with is the GUI's word for it now")


RULES = (
    _steps, _warm_up, _rates, _noise, _precision, _attention, _seed, _samples, _base, _data_loader, _left_over,
)  # fmt: skip
