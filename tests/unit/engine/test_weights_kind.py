from __future__ import annotations

import json
from pathlib import Path

import pytest

from kohya_wrap.domain.family import FamilyName
from kohya_wrap.engine.kind import Kind, read_kind
from kohya_wrap.errors import EngineError
from tests.fixtures import weight_files as made

ACCEPTED = [
    (made.SD15, Kind(FamilyName.SD15)),
    (made.SDXL, Kind(FamilyName.SDXL)),
    (made.SDXL_VPRED, Kind(FamilyName.SDXL, v_prediction=True, zero_terminal_snr=True)),
    ({**made.SDXL, "v_pred": (0,)}, Kind(FamilyName.SDXL, v_prediction=True)),
]
REFUSED = [
    (made.SD2, "Stable Diffusion 2"),
    (made.REFINER, "SDXL refiner"),
    (made.INPAINTING, "inpainting"),
    (made.UNET_ALONE, "without its text encoder"),
    (made.FLUX, "Flux"),
    (made.SD3, "Stable Diffusion 3"),
    (made.LORA, "a LoRA"),
    (made.VAE, "a VAE alone"),
    ({"x": (1,)}, "unknown kind"),
]


@pytest.mark.parametrize(("tensors", "kind"), ACCEPTED)
def test_the_kind_is_read_from_the_tensors(tmp_path: Path, tensors: dict, kind: Kind) -> None:
    # a name that says the opposite
    name = "sd15.safetensors" if kind.family is FamilyName.SDXL else "sdxl-vpred.safetensors"
    assert read_kind(made.write(tmp_path / name, tensors)) == kind


def test_the_metadata_may_say_v_prediction(tmp_path: Path) -> None:
    path = made.write(tmp_path / "a.safetensors", made.SDXL, metadata={"modelspec.prediction_type": "v"})
    assert read_kind(path).v_prediction


@pytest.mark.parametrize(("tensors", "word"), REFUSED)
def test_what_is_no_base_is_named(tmp_path: Path, tensors: dict, word: str) -> None:
    with pytest.raises(EngineError, match=word):
        read_kind(made.write(tmp_path / "a.safetensors", tensors))


@pytest.mark.parametrize(("tensors", "kind"), ACCEPTED)
def test_a_pickle_is_read_and_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tensors: dict, kind: Kind
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_kind(made.write_ckpt(tmp_path / "a.ckpt", tensors)) == kind
    assert not Path("pickle-was-run").exists()


def test_a_pickled_lora_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="a LoRA"):
        read_kind(made.write_ckpt(tmp_path / "a.ckpt", made.LORA))


def test_an_old_pickle_cannot_be_told(tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").write_bytes(b"\x80\x02]q\x00.")
    with pytest.raises(EngineError, match="without running it"):
        read_kind(tmp_path / "a.ckpt")


def diffusers(folder: Path, width: int, encoders: int, scheduler: dict) -> Path:
    for name in [*["text_encoder", "text_encoder_2"][:encoders], "unet", "scheduler"]:
        (folder / name).mkdir(parents=True)
    (folder / "unet" / "config.json").write_text(json.dumps({"cross_attention_dim": width}))
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))
    return folder


def test_a_diffusers_folder(tmp_path: Path) -> None:
    v = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
    assert read_kind(diffusers(tmp_path / "a", 768, 1, {"prediction_type": "epsilon"})) == Kind(
        FamilyName.SD15, says_noise=True
    )
    assert read_kind(diffusers(tmp_path / "b", 2048, 2, v)) == Kind(FamilyName.SDXL, True, True)
    with pytest.raises(EngineError, match="Stable Diffusion 2"):
        read_kind(diffusers(tmp_path / "c", 1024, 1, {}))
    with pytest.raises(EngineError, match="text_encoder_2"):
        read_kind(diffusers(tmp_path / "d", 2048, 1, {}))


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="without unet/"):
        read_kind(tmp_path)
