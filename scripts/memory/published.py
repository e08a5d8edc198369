"""What others have reported of their cards, beside the shipped model: a table of docs/plan.md (scripts/plan_page.py).

No number of the model was tuned to a row, but two that no count can know were chosen with
them in view: the CUDA context, and the fifth more of the careful figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kohya_wrap import resources
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.memory import STATE, Load, Need
from kohya_wrap.plan import model
from kohya_wrap.workflow.card_plan import FREE, Verdict, verdict

GIB = 2**30
NEAR = 0.05  # of what was reported: nothing to explain


@dataclass(frozen=True)
class Published:
    """Attributes:
    reported: GiB in use, as far as "GB" means that; None: only whether it fits.
    card: GB; 0: not said.
    fits: on that card, as reported; None: not said, or the source leaves open what decides it.
    assumed: what the source does not say, and the load has.
    reason: of a miss, where one is known.
    """

    source: str
    setup: str
    load: Load
    reported: float | None = None
    card: int = 0
    fits: bool | None = None
    assumed: str = ""
    reason: str = ""

    def need(self) -> Need:
        return model.load(resources.presets()).need(self.load)

    def says(self) -> Verdict | None:
        return verdict(self.need(), self.card * FREE * GIB) if self.card else None


_SDXL = Load(FamilyName.SDXL, (1024, 1024), 1, 32, encoders="trained")
_SD15 = Load(FamilyName.SD15, (512, 512), 1, 32, encoders="trained")
_GC = replace(_SDXL, checkpointed=True)
_FULL = "full_half"
_NOT_SAID = "as above"  # 8-bit AdamW, text encoders trained, latents cached, sdpa, 1024 px
_WIKI = "2ch-ai wiki, SDXL"
_SLOPE = "several images at once; unexplained"


def _wiki() -> Iterator[Published]:
    """sd-scripts 0.8.3, February 2024: the only table that anybody has made. Its rows differ in what they name, and in no more."""
    more = _SLOPE
    for setup, load, reported, reason in (
        ("dim 32", _SDXL, 17.4, ""),
        ("dim 32, full_bf16", replace(_SDXL, precision=_FULL), 16.7, ""),
        ("dim 128", replace(_SDXL, network_dim=128), 20.5, ""),
        ("dim 128, full_bf16", replace(_SDXL, network_dim=128, precision=_FULL), 18.3, ""),
        ("LoCon 64 + 32", replace(_SDXL, network_dim=64, conv_dim=32), 18.6, ""),
        ("checkpointing, dim 32", _GC, 9.4, ""),
        ("checkpointing, dim 32, full_bf16", replace(_GC, precision=_FULL), 9.1, ""),
        ("checkpointing, dim 32, fp8_base", replace(_GC, precision="fp8"), 6.4, ""),
        ("checkpointing, dim 128", replace(_GC, network_dim=128), 12.0, ""),
        ("checkpointing, dim 128, full_bf16", replace(_GC, network_dim=128, precision=_FULL), 10.3, ""),
        ("checkpointing, dim 128, fp8_base", replace(_GC, network_dim=128, precision="fp8"), 9.9, ""),
        ("checkpointing, LoCon 64 + 32", replace(_GC, network_dim=64, conv_dim=32), 10.6, ""),
        ("checkpointing, dim 32, batch 2", replace(_GC, batch=2), 13.1, more),
        ("LoCon 64 + 32, batch 2", replace(_SDXL, network_dim=64, conv_dim=32, batch=2), 30.4, more),
        ("dim 128, batch 3", replace(_SDXL, network_dim=128, batch=3), 41.7, more),
        ("dim 32, batch 4", replace(_SDXL, batch=4), 47.7, more),
        ("dim 128, full_bf16, batch 4", replace(_SDXL, network_dim=128, precision=_FULL, batch=4), 47.8, more),
        (
            "checkpointing, dim 128, full_bf16, batch 4",
            replace(_GC, network_dim=128, precision=_FULL, batch=4),
            15.0,
            more,
        ),
    ):  # fmt: skip
        yield Published(_WIKI, setup, load, reported, assumed=_NOT_SAID, reason=reason)


_ADAFACTOR = STATE["adafactor"]
_CACHED = replace(_GC, encoders="cached")
_SOURCES = [
    *_wiki(),
    Published(
        "sd-scripts pull request 1057", "SDXL fp8_base, latents and text encoders cached",
        replace(_CACHED, precision="fp8", network_dim=16), 4.4, assumed="dim 16, checkpointing, 8-bit AdamW",
    ),
    Published(
        "sd-scripts pull request 1057", "SDXL fp8_base, nothing cached",
        replace(_GC, precision="fp8", network_dim=16, encoders="on card", latents_cached=False, vae_half=True), 6.5,
        assumed='dim 16, checkpointing; it says "6.x"',
    ),
    Published(
        "kohya_ss 2315", "SDXL, 1280 px, batch 3", replace(_GC, size=(1280, 1280), batch=3), 13.0,
        assumed="checkpointing, dim 32, text encoders trained",
    ),
    Published(
        "kohya_ss 2474", "SD 1.5, checkpointing", replace(_SD15, checkpointed=True, network_dim=8), 4.0,
        assumed="512 px, dim 8", reason="of the whole card, perhaps with a desktop; unexplained",
    ),
    Published(
        "sd-scripts 661", "SDXL, checkpointing, dim 32, full_bf16, Adafactor, text encoders trained",
        replace(_GC, precision=_FULL, state=_ADAFACTOR), card=12, fits=True,
    ),
    Published(
        "sd-scripts 661", "SDXL, the same, U-Net only, dim 256",
        replace(_GC, precision=_FULL, state=_ADAFACTOR, network_dim=256, encoders="cached"), card=12, fits=True,
    ),
    Published(
        "sd-scripts 661", "SDXL, the same, text encoders trained, dim above 32",
        replace(_GC, precision=_FULL, state=_ADAFACTOR, network_dim=64), card=12, fits=False,
        assumed="dim 64", reason="of July 2023, another version; unexplained",
    ),
    Published(
        "sd-scripts 827", "SDXL, no checkpointing, dim 32, full_bf16", replace(_SDXL, precision=_FULL), card=24, fits=True,
        assumed="text encoders trained",
    ),
    Published(
        "sd-scripts docs/train_SDXL-en.md", "SDXL, dim 8, checkpointing, all cached", replace(_CACHED, network_dim=8),
        card=8, fits=True,
    ),
    Published(
        "kohya_ss 1184", "SDXL, checkpointing, batch 2", replace(_CACHED, batch=2), card=10, fits=True,
        assumed="dim 32, U-Net only",
    ),
    Published(
        "kohya_ss 1288", "SDXL, checkpointing, batch 8", replace(_CACHED, batch=8), card=24, fits=True,
        assumed="dim 32, U-Net only",
    ),
    Published(
        "kohya_ss 1288", "SDXL, no checkpointing, dim 256: full, and slow", replace(_SDXL, network_dim=256), card=24, fits=False,
        assumed="text encoders trained, no samples", reason="",
    ),
    Published(
        "derrian-distro 14", "SD 1.5, 512 px, batch 6", replace(_SD15, batch=6), card=12, fits=True,
        assumed="dim 32, sdpa",
    ),
    Published(
        "derrian-distro 14", "SD 1.5, 512 px, batch 6, on a 3090", replace(_SD15, batch=6), 23.8,
        assumed="dim 32, sdpa", reason="the same setup ran on 12 GB: an allocator takes what there is; unexplained",
    ),
    Published(
        "kohya_ss 1730", "SD 1.5, batch 4, dim 64", replace(_SD15, batch=4, network_dim=64), card=11, fits=True,
    ),
]  # fmt: skip


def published() -> tuple[Published, ...]:
    return tuple(_SOURCES)


def row(one: Published) -> str:
    """Of the table in docs/plan.md."""
    need, says = one.need(), one.says()
    likely, careful = need.likely / GIB, need.conservative / GIB
    told = f"{one.reported:g} GB" if one.reported is not None else "fits" if one.fits else "does not fit"
    where = f" on {one.card} GB" if one.card else ""
    ours = f"{likely:.1f} to {careful:.1f}" + (f": {WORDS[says]}" if says is not None else "")
    return f"| {one.source} | {one.setup} | {one.assumed} | {told}{where} | {ours} | {judged(one)} |"


WORDS = {Verdict.FITS: "fits", Verdict.TIGHT: "tight", Verdict.TOO_SMALL: "does not fit"}


def judged(one: Published) -> str:
    need, says = one.need(), one.says()
    if one.reported is not None:
        off = need.likely / GIB / one.reported - 1
        told = f"{off:+.0%}"
        if abs(off) <= NEAR:
            return told
        within = need.likely / GIB <= one.reported <= need.conservative / GIB
        return f"{told}{', between the two' if within else ''}{f': {one.reason}' if one.reason else ': unexplained' if not within else ''}"
    right = (says is not Verdict.FITS) if one.fits is False else (says is not Verdict.TOO_SMALL)
    return "right" if right else f"wrong: {one.reason}"


HEAD = ("| source | setup | assumed, since not said | reported | ours, GiB | |", "|---|---|---|---|---|---|")


def table() -> tuple[str, ...]:
    return (*HEAD, *map(row, published()))
