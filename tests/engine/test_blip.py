"""The engine's BLIP captioner starts on the packages of the lock, and its decoder can write."""

from __future__ import annotations

from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.engine import blip
from kohya_wrap.host import tool
from tests.engine.conftest import RealEngine

# A decoder of the script's own class, small, with the words that the script calls it with.
WRITES = """
import runpy, sys
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/finetune"]
ours = runpy.run_path(sys.argv[1])
ours["stand_in_for_fairscale"]()
import torch
from transformers import BertConfig
from blip import blip, med
config = BertConfig.from_json_file(sys.argv[2] + "/finetune/blip/med_config.json")
config.update(dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, encoder_width=16))
before = hasattr(med.BertLMHeadModel, "generate")
ours["give_generate"]()
decoder = med.BertLMHeadModel(config=config).eval()
image = torch.randn(2, 5, 16)
written = decoder.generate(
    input_ids=torch.ones(2, 3, dtype=torch.long), max_length=9, min_length=5, num_beams=3, eos_token_id=102, pad_token_id=0,
    repetition_penalty=1.0, encoder_hidden_states=image, encoder_attention_mask=torch.ones(2, 5, dtype=torch.long),
)
print(before, len(written), written.shape[1] > 3)
"""


def test_the_decoder_writes_only_with_our_help(real_engine: RealEngine) -> None:
    source = real_engine.checkout.source
    argv = [real_engine.python, "-I", "-c", WRITES, resources.inside("blip_captions.py"), source]
    assert tool.run(argv, timeout=120).last_line == "False 2 True"


def test_the_script_knows_the_words_it_is_given(real_engine: RealEngine) -> None:
    source = real_engine.checkout.source
    argv = blip.command(real_engine.python, source, Path("pictures"), "weights.pth", ".txt")
    said = tool.run([*argv, "--help"], cwd=source / "finetune", timeout=120).output
    assert all(word in said for word in argv if word.startswith("--"))
