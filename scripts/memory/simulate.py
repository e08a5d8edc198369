"""One optimizer step of the engine, run by its own code on tensors without content: bytes and FLOPs, for any card.

    cd ENGINE_SOURCE; PYTHONPATH=.:KOHYA_WRAP ENGINE_PYTHON -m scripts.memory.simulate '{"family": "sdxl", "batch": 2}'

The engine's trainer class does the step (`process_batch`), on its U-Net, its text encoders' architecture and its LoRA modules,
in fake tensors: sizes, types and lifetimes are real, numbers are not, so that no card, no weights and no memory are needed.
`against_cpu` runs the same step on real tensors, to hold this count against an allocator's own.

fp16 is simulated as bf16: the same bytes; its gradient scaler (a few numbers) is left out. xformers is taken to need what
sdpa needs.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import types
import warnings
from dataclasses import asdict, dataclass
from typing import Any

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import torch  # noqa: E402
from accelerate import Accelerator  # noqa: E402
from accelerate.state import AcceleratorState  # noqa: E402
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402

from scripts.memory import allocator, cuda_rules, engine_models  # noqa: E402
from scripts.memory.counting import Counter  # noqa: E402


@dataclass(frozen=True)
class Setup:
    """What decides the memory of a step.

    Attributes:
        half: weights and products in bf16 or fp16; without, all in fp32.
        full_half: the LoRA and its gradients in it, too (full_bf16, full_fp16).
        checkpointed: gradient checkpointing.
        attention: "sdpa" (or xformers) or "none".
        encoders: of text: "cached" (not on the card), "on card", "trained".
        cached_latents: else the VAE is on the card and encodes every batch.
        chunks: of 75 tokens in a caption.
        accumulated: micro-batches to an optimizer step.
    """

    family: str = "sd15"
    width: int = 512
    height: int = 512
    batch: int = 1
    dim: int = 32
    conv_dim: int = 0
    half: bool = True
    full_half: bool = False
    fp8: bool = False
    checkpointed: bool = False
    attention: str = "sdpa"
    encoders: str = "on card"
    cached_latents: bool = True
    half_vae: bool = False
    chunks: int = 1
    accumulated: int = 1
    optimizer: str = "AdamW8bit"

    @property
    def first_step_leaves_something(self) -> bool:
        """The gradients of a text encoder's embeddings, which nobody clears."""
        return self.encoders == "trained" and self.checkpointed


@dataclass(frozen=True)
class Need:
    """Bytes; FLOPs and kernels of one micro-batch.

    Attributes:
        unet, encoders, vae, network, optimizer: what stands on the card between steps.
        most: tensors alive at once, at most.
        least_card: the smallest card, less the CUDA context, on which the allocator gets through two steps.
        reserved: by the allocator on a card with room.
        flops: forward and backward.
        trained: numbers of the LoRA.
    """

    unet: int
    encoders: int
    vae: int
    network: int
    optimizer: int
    most: int
    least_card: int
    reserved: int
    flops: int
    kernels: int
    trained: int


PARTS = ("unet", "encoders", "vae", "network", "optimizer")


def simulated(setup: Setup, *, card: bool = True) -> Need:
    """Args: card: by CUDA's rules, and with the allocator's replay; else as on this machine's CPU."""
    if card:
        cuda_rules.install()
    with FakeTensorMode(allow_non_fake_inputs=True):
        job, counter = Job(setup), Counter(temporaries=card)
        parts = {name: sum(map(_size, job.tensors(name))) for name in PARTS}
        for name in PARTS:
            for tensor in job.tensors(name):
                counter.watch(tensor)
        with counter:
            if setup.first_step_leaves_something:
                job.step()
            begun, flops, kernels = len(counter.trace), counter.flops, counter.kernels
            job.step()
        begin, step = counter.trace[:begun], counter.trace[begun:]
    return Need(
        **parts,
        most=counter.most,
        least_card=allocator.least_card(begin, [step, step], counter.most) if card else 0,
        reserved=allocator.replayed(begin, [step, step]).most_reserved if card else 0,
        flops=(counter.flops - flops) // setup.accumulated,
        kernels=(counter.kernels - kernels) // setup.accumulated,
        trained=sum(parameter.numel() for parameter in job.trained),
    )


def _size(tensor: torch.Tensor) -> int:
    return -(-tensor.untyped_storage().nbytes() // allocator.ROUND) * allocator.ROUND


class Job:
    """The engine's trainer with what `train()` has made by the time of the first step (train_network.py)."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._type = torch.bfloat16 if setup.half else torch.float32
        AcceleratorState._reset_state(True)  # it is one for a process, and remembers the last precision
        self._accelerator = Accelerator(cpu=True, mixed_precision="bf16" if setup.half else "no")
        self._trainer, self._arguments = _trainer(setup)
        self._unet = engine_models.unet(setup.family, setup.half)
        self._encoders = engine_models.encoders(setup.family, setup.half)
        self._vae = None if setup.cached_latents else engine_models.vae(setup.half_vae)
        with engine_models.default_type(setup.full_half):
            self._network = self._made_network()
        self._prepared()
        self._scheduler = self._trainer.get_noise_scheduler(self._arguments, torch.device("cpu"))
        self._optimizer = _Optimizer(setup.optimizer, self.trained)

    def _made_network(self) -> Any:
        from networks import lora

        setup, text = self._setup, self._encoders if self._setup.family == "sdxl" else self._encoders[0]
        # The engine lengthens this list of the class in place where conv_dim is set; another network is made afterwards.
        lora.LoRANetwork.UNET_TARGET_REPLACE_MODULE = ["Transformer2DModel"]
        conv = {"conv_dim": setup.conv_dim, "conv_alpha": 1} if setup.conv_dim else {}
        network = lora.create_network(1.0, setup.dim, 1.0, None, text, self._unet, **conv)
        network.apply_to(text, self._unet, setup.encoders == "trained", True)
        return network

    def _prepared(self) -> None:
        setup, unet = self._setup, self._unet
        unet.set_use_sdpa(setup.attention == "sdpa")
        unet.requires_grad_(False)
        for encoder in self._encoders:
            encoder.requires_grad_(False)
        if setup.fp8:
            for model in (unet, *self._encoders):
                _in_fp8(model)
        if setup.checkpointed:
            unet.enable_gradient_checkpointing()
            for encoder in self._encoders:
                encoder.gradient_checkpointing_enable()
                encoder.text_model.embeddings.requires_grad_(setup.encoders == "trained")
        for model in (unet, *self._encoders):
            model.train(setup.checkpointed)
        self._network.requires_grad_(True)
        self._network.train()
        if self._vae is not None:
            self._vae.requires_grad_(False)
            self._vae.eval()
        self.trained = [p for p in self._network.parameters() if p.requires_grad]
        # As accelerate's prepare() wraps a model.
        with_halves = self._accelerator.autocast if setup.half else contextlib.nullcontext
        if setup.half:
            from accelerate.utils.operations import convert_outputs_to_fp32

            forward = unet.forward
            unet.forward = convert_outputs_to_fp32(lambda *a, **k: _within(with_halves(), forward, *a, **k))

    def tensors(self, name: str) -> list[torch.Tensor]:
        models: dict[str, list[Any]] = {
            "unet": [self._unet],
            "encoders": self._encoders if self._setup.encoders != "cached" else [],
            "vae": [self._vae] if self._vae is not None else [],
            "network": [self._network],
        }
        if name == "optimizer":
            return self._optimizer.state
        return [tensor for model in models[name] for tensor in (*model.parameters(), *model.buffers())]

    def step(self) -> None:
        """Each micro-batch forward and backward, then the optimizer."""
        for _ in range(self._setup.accumulated):
            self._loss().backward()
        self._optimizer.step()

    def _loss(self) -> torch.Tensor:
        setup, size = self._setup, self._setup.batch
        latents = self._latents()
        hw = torch.tensor([[setup.height, setup.width]] * size)
        batch = {
            "latents": latents,
            "text_encoder_outputs_list": self._cached_text(),
            "input_ids_list": [torch.zeros(size, setup.chunks, 77, dtype=torch.long) for _ in self._encoders],
            "loss_weights": torch.ones(size),
            "original_sizes_hw": hw,
            "crop_top_lefts": torch.zeros_like(hw),
            "target_sizes_hw": hw,
        }
        tokenizer = types.SimpleNamespace(model_max_length=77, pad_token_id=1, eos_token_id=2, eos_token=None)
        tokenize = types.SimpleNamespace(tokenizer=tokenizer, tokenizer1=tokenizer, tokenizer2=tokenizer)
        loss: torch.Tensor = self._trainer.process_batch(
            batch,
            self._encoders,
            self._unet,
            self._network,
            self._vae,
            self._scheduler,
            None,
            self._type,
            self._accelerator,
            self._arguments,
            self._trainer.get_text_encoding_strategy(self._arguments),
            tokenize,
            is_train=True,
            train_text_encoder=setup.encoders == "trained",
            train_unet=True,
        )
        return loss

    def _latents(self) -> torch.Tensor:
        setup, vae = self._setup, self._vae
        if vae is None:
            return torch.zeros(setup.batch, 4, setup.height // 8, setup.width // 8)
        with torch.no_grad():
            images = torch.zeros(setup.batch, 3, setup.height, setup.width).to(vae.dtype)
            encoded: torch.Tensor = self._trainer.encode_images_to_latents(self._arguments, vae, images)
        return encoded

    def _cached_text(self) -> list[torch.Tensor] | None:
        if self._setup.encoders != "cached":
            return None
        tokens = 75 * self._setup.chunks + 2
        sizes = (768, 1280) if self._setup.family == "sdxl" else (768,)
        made = [torch.zeros(self._setup.batch, tokens, size) for size in sizes]
        return [*made, torch.zeros(self._setup.batch, 1280)] if self._setup.family == "sdxl" else made


class _Optimizer:
    """Its state, and what its step allocates, by size: the libraries' own steps read numbers, which fake tensors have not."""

    def __init__(self, name: str, trained: list[torch.Tensor]) -> None:
        self._name, self._trained = name, trained
        self.state = [tensor for parameter in trained for tensor in _state(name, parameter)]

    @torch.no_grad()
    def step(self) -> None:
        """Clipping of the gradients, the step, the gradients' end."""
        torch.nn.utils.clip_grad_norm_(self._trained, 1.0, foreach=True)
        if self._name == "AdamW":  # torch's foreach path: the root of all second moments at once
            roots = [torch.empty_like(parameter) for parameter in self._trained]
            del roots
        for parameter in self._trained:
            parameter.grad = None


def _state(name: str, parameter: torch.Tensor) -> list[torch.Tensor]:
    count = parameter.numel()
    if name == "AdamW":
        return [torch.empty_like(parameter), torch.empty_like(parameter)]
    if (
        name == "AdamW8bit"
    ):  # bitsandbytes: below 4096 numbers in fp32; else a byte each, and a maximum for each 256
        if count < 4096:
            return [torch.empty(count) for _ in range(2)]
        blocks = -(-count // 256)
        return [torch.empty(count, dtype=torch.uint8) for _ in range(2)] + [
            torch.empty(blocks) for _ in range(2)
        ]
    if name == "none":
        return []
    raise ValueError(name)


def _trainer(setup: Setup) -> tuple[Any, Any]:
    import sdxl_train_network
    import train_network
    from library import strategy_sdxl

    module = sdxl_train_network if setup.family == "sdxl" else train_network
    arguments = module.setup_parser().parse_args([])
    arguments.gradient_checkpointing = setup.checkpointed
    arguments.no_half_vae = not setup.half_vae

    def pooled(self: Any, encoder: Any, hidden: torch.Tensor, ids: Any, end: int) -> torch.Tensor:
        """The engine looks for the end token; its place does not matter for sizes."""
        one = hidden[:, 0]
        projected: torch.Tensor = encoder.text_projection(one.to(encoder.text_projection.weight.dtype)).to(
            hidden.dtype
        )
        return projected

    strategy_sdxl.SdxlTextEncodingStrategy._pool_workaround = pooled
    return (module.SdxlNetworkTrainer if setup.family == "sdxl" else module.NetworkTrainer)(), arguments


def _in_fp8(model: torch.nn.Module) -> None:
    for name, module in model.named_modules():
        if name.startswith("text_model.embeddings"):
            continue
        for key, parameter in list(module._parameters.items()):
            if parameter is not None:
                shrunk = torch.empty_like(parameter, dtype=torch.float8_e4m3fn)
                module._parameters[key] = torch.nn.Parameter(shrunk, requires_grad=False)


def _within(context: Any, call: Any, *args: Any, **kwargs: Any) -> Any:
    with context:
        return call(*args, **kwargs)


if __name__ == "__main__":
    setup = Setup(**json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
    print(json.dumps({"setup": asdict(setup), "need": asdict(simulated(setup))}))
