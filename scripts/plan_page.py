"""The tables of docs/plan.md, from what `plan` says: `uv run --group dev python -m scripts.plan_page [--write]`

Each stands between `<!-- NAME -->` and `<!-- end -->`; tests/unit/scripts/test_plan_page.py holds them to it.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from kohya_wrap import resources
from kohya_wrap.domain import cost, speed
from kohya_wrap.places import Places
from kohya_wrap.plan import model, prices
from kohya_wrap.workflow import plan, sessions
from kohya_wrap.workflow.card_plan import FREE, CardPlan, Verdict, verdict
from kohya_wrap.workflow.own_card import OwnCard
from kohya_wrap.workflow.plan import Plan, PlanRequest
from scripts.memory import published

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "plan.md"
GUIDE = ROOT / "tests" / "fixtures" / "guide_training_config.toml"
CARDS = ("RTX 3090", "RTX 4090", "RTX A6000", "A100 40GB")
IMAGES = 50
_BY_HAND = 20 * 60.0  # seconds of set-up that the guide names


def guide(folder: Path) -> Path:
    """The guide's config as printed, and fifty pictures of 512 x 512 in 10_concept."""
    data = folder / "training_data" / "10_concept"
    data.mkdir(parents=True)
    for number in range(IMAGES):
        Image.new("1", (512, 512)).save(data / f"{number}.png")
        (data / f"{number}.txt").write_text("a concept", encoding="utf-8")
    config = folder / "training_config.toml"
    shutil.copy(GUIDE, config)
    return config


def plan_of(where: Path, *cards: str, words: tuple[str, ...] = (), base: str = "", mine: str = "") -> Plan:
    with tempfile.TemporaryDirectory() as home:
        request = PlanRequest(where, gpus=cards, words=words, base=base, mine=mine)
        return plan.run(request, Places(Path(home)), {})


def planned(where: Path, *cards: str, words: tuple[str, ...] = (), base: str = "") -> dict[str, CardPlan]:
    return {card.preset.name: card for card in plan_of(where, *cards, words=words, base=base).cards}


def minutes(seconds: float) -> str:
    """A range, of a factor of two each way."""
    low, high = seconds / 60 / speed.WITHIN, seconds * speed.WITHIN / 60
    return f"{low:.0f} to {high:.0f} min"


def dollars(card: CardPlan, seconds: float) -> str:
    """With its disk and traffic."""
    found = cost.total(card.offers, replace(card.session.rental, hours=seconds / 3600))
    assert found is not None
    return f"${found[0]:.2f} to ${found[1]:.2f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |"


def prices_of(card: CardPlan) -> tuple[float, float]:
    return min(offer.low for offer in card.offers), max(offer.high for offer in card.offers)


def costs(config: Path) -> Iterator[str]:
    """The guide's lines 97 to 102."""
    said = {  # hours, dollars an hour
        "RTX 3090": (2.5, 0.50), "RTX 4090": (1.5, 0.70), "RTX A6000": (1.5, 0.80), "A100 40GB": (1.0, 1.50),
    }  # fmt: skip
    ours = planned(config, *CARDS)
    rows = []
    for name, (hours, price) in said.items():
        card = ours[name]
        low, high = prices_of(card)
        most = (card.training * speed.WITHIN + card.caching + card.session.set_up) / 3600
        rows.append([
            name, f"{hours} h", minutes(card.training), "reproduced" if hours <= most else "contradicted",
            f"${price:.2f}", f"${low:.2f} to ${high:.2f}", "reproduced" if low <= price <= high else "contradicted",
            f"${price * hours:.2f}", dollars(card, card.seconds),
        ])  # fmt: skip
    yield from table(
        [
            "GPU",
            "guide: time",
            "ours: training",
            "",
            "guide: $/h",
            "seen",
            "",
            "guide: in all",
            "ours: in all",
        ],
        rows,
    )


def times(config: Path) -> Iterator[str]:
    """The guide's lines 400 to 406."""
    said = {"RTX 3090": "90 to 120 min", "RTX 4090": "60 to 90 min", "A100 40GB": "45 to 60 min"}
    ours, large = planned(config, *said), planned(config, *said, base="sdxl", words=("resolution=1024,1024",))
    rows = [
        [
            name, told, minutes(ours[name].training), minutes(large[name].training),
            f"{large[name].training / ours[name].training:.1f} times",
        ]
        for name, told in said.items()
    ]  # fmt: skip
    yield from table(
        ["GPU", "guide", "ours", "ours, SDXL", "SDXL against SD 1.5 (guide: 1.5 to 2 times)"], rows
    )


def batches(config: Path) -> Iterator[str]:
    """The guide's advice by card: does it fit, and what would."""
    advised = (
        ("RTX 4090", "sd15", 4, False), ("RTX 4090", "sdxl", 2, False), ("RTX 3090", "sd15", 2, False),
        ("RTX 3090", "sdxl", 1, True), ("A100 40GB", "sd15", 8, False), ("A100 40GB", "sdxl", 4, False),
    )  # fmt: skip
    rows = []
    for name, base, batch, checkpointed in advised:
        words = (
            f"train_batch_size={batch}", f"gradient_checkpointing={str(checkpointed).lower()}",
            *(("resolution=1024,1024",) if base == "sdxl" else ()),
        )  # fmt: skip
        card = planned(config, name, words=words, base=base)[name]
        known = model.load(resources.presets())
        asked = replace(card.load, checkpointed=checkpointed, batch=batch)
        need = known.need(asked)
        says = verdict(need, card.preset.memory_gb * FREE * 2**30)
        rows.append([
            name, "SD 1.5" if base == "sd15" else "SDXL",
            f"batch {batch}" + (", with checkpointing" if checkpointed else ""),
            f"{need.likely / 2**30:.1f} to {need.conservative / 2**30:.1f} GiB", published.WORDS[says],
            "" if says is not Verdict.TOO_SMALL else f"`run` would take: {', '.join(card.changes) or 'nothing else'}",
        ])  # fmt: skip
    yield from table(["GPU", "", "guide", "ours needs", "", ""], rows)


def case(config: Path) -> Iterator[str]:
    """Fifty images, ten repeats, ten epochs, on an RTX 4090."""
    name = "RTX 4090"
    card = planned(config, name)[name]
    price = prices_of(card)
    known = model.load(resources.presets())
    assert card.preset.tflops is not None
    alone = replace(card.load, batch=1, attention="none", latents_cached=False)
    pace = speed.pace(known.work_of(alone), alone, card.preset.tflops, card.preset.capability)
    steps = IMAGES * 10 * 10
    written = planned(config.parent / "training_data", name)[name]
    rows = [
        [
            "the guide's file, `kohya-wrap run`", str(card.steps.steps), f"{card.seconds_a_step:.2f} s", minutes(card.training),
            f"{card.session.set_up / 60:.0f} min", dollars(card, card.seconds),
        ],
        [
            "the guide's file, by hand", str(steps), f"{pace.seconds:.2f} s", minutes(steps * pace.seconds),
            f"{_BY_HAND / 60:.0f} min (the guide's)", dollars(card, steps * pace.seconds + _BY_HAND),
        ],
        [
            "what `init` writes for these pictures", str(written.steps.steps), f"{written.seconds_a_step:.2f} s",
            minutes(written.training), f"{written.session.set_up / 60:.0f} min", dollars(written, written.seconds),
        ],
    ]  # fmt: skip
    yield from table(
        ["", "steps", "a step", "training", "set-up", f"in all, at {price[0]:.2f} to {price[1]:.2f} an hour"],
        rows,
    )


def providers() -> Iterator[str]:
    """The guide's lines 144 to 148: dollars an hour of an RTX 4090."""
    said = {"Vast.ai": (0.35, 0.60), "RunPod secure": (0.59, 0.59)}
    seen = {offer.provider: offer for offer in prices.load(resources.presets()).offers["RTX 4090"]}
    rows = []
    for name, (low, high) in said.items():
        offer = seen[name]
        meets = offer.low <= high and low <= offer.high
        ours = f"${offer.low:.2f} to ${offer.high:.2f} ({offer.seen})"
        rows.append([name, f"${low:.2f} to ${high:.2f}", ours, "reproduced" if meets else "contradicted"])
    none = "none: it rents API keys, without a shell, and says that nothing can be trained (its own page, 2026-09)"
    rows.append(["GPUFlow", "$0.50 to $0.80", none, "contradicted"])
    yield from table(["RTX 4090", "guide", "seen", ""], rows)


def together(config: Path) -> Iterator[str]:
    """The guide's three LoRAs, lines 479 to 484 and its FAQ."""
    rows = []
    for base, name in (("sd15", "three as the guide's case"), ("sdxl", "the same with SDXL, 1024 px")):
        words = ("resolution=1024,1024",) if base == "sdxl" else ()
        plans = [plan_of(config, "RTX 4090", words=words, base=base) for _ in range(3)]
        (one,) = sessions.of(plans)
        staged = one.in_two_stages
        assert one.dollars and one.separately and staged
        rows.append([
            name, f"{one.seconds_separately / 60:.0f} min, ${one.separately[0]:.2f}", f"{one.session.seconds / 60:.0f} min, "
            f"${one.dollars[0]:.2f}", f"{one.saved:.0%}", f"${staged.dollars[0]:.2f}, where one session there is ${staged.at_once[0]:.2f}",
        ])  # fmt: skip
    head = [
        "RTX 4090, the middle of the range, the cheapest seen",
        "a machine each",
        "one session",
        "saved",
        "in two stages (RunPod secure)",
    ]
    yield from table(head, rows)


def own(config: Path) -> Iterator[str]:
    """The guide's first FAQ: 30 cents a kilowatt-hour."""
    rows = []
    for base, name in (("sd15", "the guide's case"), ("sdxl", "the same with SDXL, 1024 px")):
        words = ("resolution=1024,1024",) if base == "sdxl" else ()
        rented = plan_of(config, "RTX 4090", words=words, base=base, mine="RTX 3060 12GB")
        assert rented.mine is not None and rented.cards[0].dollars is not None
        mine = OwnCard(rented.mine, 0.30)
        rows.append([
            name, minutes(mine.seconds), f"${mine.dollars:.2f}", minutes(rented.cards[0].training),
            f"${rented.cards[0].dollars[0]:.2f}",
        ])  # fmt: skip
    yield from table(
        ["", "RTX 3060 12GB at home", "electricity", "RTX 4090, rented", "in all, the cheapest seen"], rows
    )


def blocks() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        config = guide(Path(folder))
        made = {
            "published memory": published.table(),
            "guide: costs": costs(config),
            "guide: times": times(config),
            "guide: batches": batches(config),
            "guide: the case": case(config),
            "guide: providers": providers(),
            "guide: several": together(config),
            "guide: own card": own(config),
        }
        return {name: "\n".join(lines) for name, lines in made.items()}


def filled(page: str) -> str:
    """The page with its tables made anew."""
    for name, text in blocks().items():
        made = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, count = made.subn(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)
        assert count == 1, name
    return page


def main() -> None:
    os.environ.pop("KOHYA_WRAP_SET", None)
    made = filled(PAGE.read_text(encoding="utf-8"))
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(made, encoding="utf-8")
    else:
        print(made)


if __name__ == "__main__":
    main()
