"""Whatever stands in a config, a plan is made of it or it is refused with words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from PIL import Image

from kohya_wrap.errors import KohyaWrapError
from kohya_wrap.places import Places
from kohya_wrap.workflow import plan
from kohya_wrap.workflow.plan import PlanRequest
from tests.fixtures import mutated_configs
from tests.fixtures.mutated_configs import Mutated

CARDS = ("T4", "RTX 4090")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("planned")
    for number, size in enumerate(((512, 512), (640, 448), (448, 640))):
        path = made / "training_data" / "3_cat" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(path)
    return made


def test_no_traceback(folder: Path) -> None:
    tally = {"planned": 0, "refused": 0}
    config = folder / "training_config.toml"
    where = f'train_data_dir = "{folder}/training_data"\n'

    @mutated_configs.profile(400)
    @given(mutated_configs.configs())
    def check(mutated: Mutated) -> None:
        text = mutated.text if "train_data_dir" in mutated.text else where + mutated.text
        config.write_text(text, encoding="utf-8")
        try:
            found = plan.run(
                PlanRequest(config, gpus=CARDS, base=mutated.family.value), Places(folder / "home"), {}
            )
        except KohyaWrapError as error:
            assert error.message and error.why and error.hint
            tally["refused"] += 1
            return
        tally["planned"] += 1
        for card in found.cards:
            assert 0 < card.need.likely <= card.need.conservative
            assert card.pace.seconds > 0 and card.steps.steps >= 0 and card.session.seconds > 0

    check()
    print(tally)
    assert min(tally.values()) > 100
