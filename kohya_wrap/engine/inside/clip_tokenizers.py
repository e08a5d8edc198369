"""Write the tokenizers that the engine would fetch: `ENGINE_PYTHON -I clip_tokenizers.py FOLDER NAME...`.

Runs in the engine's interpreter. Both of the engine's CLIP tokenizers use OpenAI's vocabulary, which the
open_clip_torch wheel carries as a list of merges; here it is written as transformers reads it, and tried
on one sentence.
"""

import gzip
import importlib.util
import json
import os
import sys
from pathlib import Path

START, END = "<|startoftext|>", "<|endoftext|>"
MERGES = 48894  # those that CLIP uses of the file's; with 2 x 256 bytes and 2 special tokens, 49,408 words
SENTENCE, TOKENS = "a photo of a cat", [49406, 320, 1125, 539, 320, 2368, 49407]


def main() -> None:
    folder, *names = sys.argv[1:]
    merges = read_merges()
    symbols = list(byte_symbols())
    words = [*symbols, *(s + "</w>" for s in symbols), *("".join(m.split()) for m in merges), START, END]
    for name in names:
        write(Path(folder) / name, {word: i for i, word in enumerate(words)}, merges)
        check(Path(folder) / name)


def read_merges() -> list[str]:
    # Found but not imported: that takes seconds.
    package = importlib.util.find_spec("open_clip").submodule_search_locations[0]
    with gzip.open(Path(package) / "bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8") as lines:
        return lines.read().split("\n")[1 : MERGES + 1]


def byte_symbols() -> list[str]:
    """One printable character for each byte, those that print as themselves first, as in GPT-2."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = len(set(range(256)) - set(plain))
    return [chr(n) for n in [*plain, *range(256, 256 + others)]]


def write(folder: Path, vocabulary: dict[str, int], merges: list[str]) -> None:
    folder.mkdir(parents=True)
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    settings = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": 77,
        "do_lower_case": True,
        "add_prefix_space": False,
        "errors": "replace",
        **special,
    }
    for name, data in (
        ("vocab.json", vocabulary),
        ("special_tokens_map.json", special),
        ("tokenizer_config.json", settings),
    ):
        (folder / name).write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")


def check(folder: Path) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import CLIPTokenizer

    tokens = CLIPTokenizer.from_pretrained(folder)(SENTENCE)["input_ids"]
    if tokens != TOKENS:
        sys.exit(f"{folder.name}: {SENTENCE!r} gives {tokens}, not {TOKENS}")


if __name__ == "__main__":
    main()
