"""Whatever stands in a file: it is imported or refused, every value is booked, and what is kept has the engine's type."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from kohya_wrap.config import importing, option_table
from kohya_wrap.config.importing import completed, document
from kohya_wrap.config.importing.gui_fields import tables
from kohya_wrap.config.importing.source import Source
from kohya_wrap.errors import KohyaWrapError
from tests.fixtures import mutated_configs

_FIELDS = sorted({
    *option_table.for_script("sdxl_train_network.py"), *tables()["ruled"]["names"], *tables()["network"]["names"],
    *tables()["gui_only"], *tables()["other_families"]["names"], *tables()["renamed"], "unheard_of",
})  # fmt: skip
_TEXTS = st.text(max_size=6) | st.sampled_from(
    ["", "0", "1", "1e-4", "10%", "inf", "true", "a=1 b", '"', "--seed", "512,512"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXTS, inner, max_size=2),
    max_leaves=3,
)
_LORA = {"LoRA_type": "Standard", "train_batch_size": 1}
_KINDS = st.sampled_from(["Standard", "LyCORIS/LoKr", "Kohya LoCon"]).map(lambda kind: {"LoRA_type": kind})
_CONFIGS = st.builds(lambda *parts: {n: v for part in parts for n, v in part.items()},
                     st.just(_LORA), st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=8), _KINDS)  # fmt: skip
_ENTRIES = st.sampled_from(
    ["optimizer", "network_args", "text_encoder_lr", "datasets", "max_train_steps", "num_epochs", "resolution", "seed",
     "num_batches_per_epoch", "gradient_accumulation_steps", "base_model_version", "network_dim", "lr_warmup_steps"]
)  # fmt: skip
_METADATA = st.dictionaries(
    _ENTRIES, _TEXTS | _VALUES.map(json.dumps) | st.sampled_from(["a.B(x=1)", "a(", "None"])
)


def read(content: bytes) -> Source | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(content)
        try:
            return importing.read(path)
        except KohyaWrapError as error:
            assert error.message and error.why and error.hint
            return None


def check(source: Source, names: set[str]) -> None:
    booked = [*source.mapped, *source.dropped, *source.lost]
    # "network_args conv_dim=4" is one item of a list, "conv_dim, conv_alpha" make one together.
    found = {name.split(" ")[0] for one in booked for name in one.source.split(", ")} | set(source.unset)
    assert names <= found | {"additional_parameters"}
    table = option_table.for_script("sdxl_train_network.py")
    for name, value in source.options.items():
        assert not table[name].refuses(value)
    parts = document.sections(source, completed.options(source), source.base)
    assert tomlkit.parse(document.text(source, parts)).unwrap() == parts


@mutated_configs.profile(300)
@given(_CONFIGS)
def test_a_gui_config(data: dict[str, Any]) -> None:
    source = read(json.dumps(data).encode())
    if source is not None:
        check(source, set(data))


@mutated_configs.profile(200)
@given(_METADATA)
def test_metadata(entries: dict[str, str]) -> None:
    said = {"network_module": "networks.lora"} | entries
    header = json.dumps({"__metadata__": {f"ss_{name}": text for name, text in said.items()}}).encode()
    source = read(len(header).to_bytes(8, "little") + header)
    if source is not None:
        texts = {f"ss_{name}" for name in said if name != "datasets"}
        check(source, texts)


@mutated_configs.profile(200)
@given(st.lists(st.sampled_from(["--seed", "--network_args", "--enable_bucket", "--max", "--resolution=512", "$x", "${y[@]}",
                                 "-1", "=", "--", "-", "&&", "'", '"', "\\", "#", ">", "a b", "%X%", "--seed=1"])))  # fmt: skip
def test_a_command_line(words: list[str]) -> None:
    source = read(f"python train_network.py --network_dim 4 {' '.join(words)}".encode())
    if source is not None:
        check(source, set())
