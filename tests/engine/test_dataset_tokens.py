"""Our count of a caption's tokens against the engine's own tokenizer."""

from __future__ import annotations

import json
import os
import random
import subprocess

from kohya_wrap.dataset.check.tokens import TokenCounter
from kohya_wrap.engine import tokenizers
from tests.engine.conftest import RealEngine

COUNT = """
import json, sys
from transformers import CLIPTokenizer
tokenizer = CLIPTokenizer.from_pretrained(sys.argv[1])
print(json.dumps([len(tokenizer(text)["input_ids"]) - 2 for text in json.load(sys.stdin)]))
"""
ODD = (
    "a cat, don't Don’t it’s “quoted” 'single' 1girl, solo, long_hair, (masterpiece:1.2), [x], \\(series\\), 青い髪 の女の子、 "
    "カタカナ ﾊﾝｶｸ ＦＵＬＬ　ｗｉｄｔｈ ﬁre ﬂow naïve café über straße İstanbul ŉ &amp; &lt;3 < > 8k 3.14 🐈 👩‍🎨 — … -- _ __ ^^; >_< "
    "@user #tag 100% $5 C++ l'été 한국어 русский ελληνικά עברית عربي \u200b zero\u200bwidth tab\there Ⅳ ½ x² ™ Œuvre ß ﬆ "
    "¡hola! '80s rock'n'roll we'll they've I'd I'M"
)


def test_tokens_are_counted_as_the_engine_counts_them(real_engine: RealEngine) -> None:
    words = ODD.split(" ")
    folder = real_engine.places.tokenizers / tokenizers.NAMES[0]
    draw = random.Random(1)
    drawn = (" ".join(draw.choices(words, k=draw.randint(1, 60))) for _ in range(3000))
    texts = ["", " ", *words, *drawn]
    asked = subprocess.run(
        [real_engine.python, "-I", "-c", COUNT, folder],
        input=json.dumps(texts), capture_output=True, encoding="utf-8", check=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    counts = TokenCounter(folder).counts(texts)
    different = [
        pair for pair in zip(texts, counts, json.loads(asked.stdout), strict=True) if pair[1] != pair[2]
    ]
    assert different == []
