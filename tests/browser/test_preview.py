"""The page of `dataset preview`, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from kohya_wrap.dataset import inventory
from kohya_wrap.host import image_file
from tests.browser.conftest import Made
from tests.browser.page import Page
from tests.fixtures import hundred
from tests.fixtures.shell import Shell

NO_CAPTION = f"drawing-{len(hundred.ODD):04}.jpg"
TYPED = {
    "astronaut.png": "skimage photo, \"she\" said 'hi' & left, 1 < 2",
    "coffee.bmp": "skimage photo, </textarea><script>window.broken = 1</script>",
    "drawing-0001.png": "夕方の海、〜波の音",
    "drawing-0003.jpg": "👩‍🚀 with a flag 🇯🇵",
    "drawing-0004.png": "first line\nsecond line",
    NO_CAPTION: "skimage photo, now with words",
}


def captions(project: Path) -> dict[str, str]:
    """What the inventory reads: image -> its caption's text."""
    found = inventory.take(project / "training_data", None)
    return {i.path.name: i.caption.text for s in found.subsets for i in s.images if i.caption.path}


def test_it_shows_every_image_and_asks_nobody_for_anything(page: Page) -> None:
    assert len(page.shown()) == hundred.COUNT
    page.run("window.scrollTo(0, document.body.scrollHeight)")
    page.write("astronaut.png", "changed")
    page["save"].click()
    page.saved()
    asked = page.requests()
    assert page.file.as_uri() in asked
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert [url for url in asked if url.startswith("file:")] == [page.file.as_uri()]
    assert page.console() == []


def test_no_caption_is_taken_for_markup_or_for_a_template(page: Page, made: Made) -> None:
    assert page.run("return window.broken") is None
    written = captions(made.project)
    read = {name: page.caption(name).get_property("value") for name in written}
    assert read == {name: text.removesuffix("\n") for name, text in written.items()}


def test_pictures_are_there_and_the_crop_lies_over_them(page: Page) -> None:
    assert page.run(
        "return Promise.all([...document.images].map((image) => image.decode().then(() => image.naturalWidth)))"
        ".then((widths) => Math.min(...widths))"
    ) > 100  # fmt: skip
    picture, kept = page.run(
        "const card = arguments[0]; const box = (name) => { const b = card.querySelector(name).getBoundingClientRect();"
        "return [b.left, b.top, b.right, b.bottom].map(Math.round) }; return [box('img'), box('.kept')]",
        page.card("drawing-0001.png"),
    )
    # 512x768 is trained in 384x640: 26 of its 512 columns are cut away at either side.
    across = picture[2] - picture[0]
    assert kept[0] - picture[0] == pytest.approx(across * 25.6 / 512, abs=2)
    assert picture[2] - kept[2] == pytest.approx(across * 25.6 / 512, abs=2)
    assert (kept[1], kept[3]) == pytest.approx((picture[1], picture[3]), abs=2)
    assert "10 % cut away" in page.card("drawing-0001.png").text


def test_search_looks_in_captions_and_names(page: Page, made: Made) -> None:
    evening = {name for name, text in captions(made.project).items() if "evening" in text and "drawn" in text}
    page["search"].send_keys("DRAWN evening")
    assert set(page.shown()) == evening
    assert page["shown"].text == f"{len(evening)} of 100 images"
    page["search"].clear()
    page["search"].send_keys("静かな")
    assert page.shown() == ["drawing-0002.webp"]
    page["search"].clear()
    page["search"].send_keys("astronaut.p")
    assert page.shown() == ["astronaut.png"]
    page["search"].send_keys("zzz")
    assert page.shown() == []
    assert page["nothing"].is_displayed()
    page["nothing"].find_element(By.TAG_NAME, "button").click()
    assert len(page.shown()) == hundred.COUNT


def test_search_finds_what_was_typed_in_the_page(page: Page) -> None:
    page.write("coffee.bmp", "a crater at noon")
    page["search"].send_keys("crater")
    assert page.shown() == ["coffee.bmp"]


def test_filters_by_bucket_and_finding_narrow_each_other(page: Page) -> None:
    def option(name: str, starts: str) -> None:
        select = Select(page[name])
        select.select_by_visible_text(next(o.text for o in select.options if o.text.startswith(starts)))

    option("bucket", "512×512")
    square = set(page.shown())
    assert 1 < len(square) < hundred.COUNT
    option("code", "enlarged")
    both = set(page.shown())
    assert both and both < square
    assert all("enlarged" in page.card(name).text for name in both)
    page["reset"].click()
    assert len(page.shown()) == hundred.COUNT


def test_a_click_on_a_word_shows_the_images_that_have_it(page: Page, made: Made) -> None:
    boats = {name for name, text in captions(made.project).items() if "a boat" in text}
    word = next(b for b in page.driver.find_elements(By.CLASS_NAME, "term") if b.text.startswith("a boat"))
    assert word.text.split() == ["a", "boat", str(len(boats))]
    word.click()
    assert set(page.shown()) == boats
    assert word.get_attribute("aria-pressed") == "true"
    page["chosen"].find_element(By.TAG_NAME, "button").click()
    assert len(page.shown()) == hundred.COUNT


def test_a_finding_of_the_dataset_leads_to_its_images(page: Page) -> None:
    button = page.driver.find_element(By.CSS_SELECTOR, "[data-show-code=blank-caption]")
    button.click()
    assert page.shown() == ["drawing-0004.png"]


def test_an_edit_is_marked_counted_and_undone(page: Page) -> None:
    assert not page["changes"].is_displayed() and not page.would_warn()
    page.caption("astronaut.png").send_keys(", smiling")
    page.caption("coffee.bmp").send_keys("!")
    assert page["changed"].text == "2 captions changed"
    assert page.would_warn()
    page["only-changed"].click()
    assert page.shown() == ["astronaut.png", "coffee.bmp"]
    page.card("coffee.bmp").find_element(By.CLASS_NAME, "undo").click()
    assert page["changed"].text == "1 caption changed"
    page["undo-all"].click()
    page.driver.switch_to.alert.accept()
    assert not page["changes"].is_displayed() and not page.would_warn()
    assert (
        page.caption("astronaut.png").get_property("value")
        == "skimage photo, a smiling astronaut in an orange suit"
    )
    assert len(page.shown()) == hundred.COUNT


def test_what_is_saved_is_applied_and_read_back(page: Page, shell: Shell) -> None:
    before = captions(shell.cwd / "my-lora")
    for name, text in TYPED.items():
        page.write(name, text)
    page["save"].click()
    file = page.saved()
    assert page["changed"].text == f"{len(TYPED)} captions changed, saved"
    assert "dataset apply" in page["next"].text and not page.would_warn()
    answer = shell("dataset", "apply", file, "my-lora")
    assert (answer.code, answer.err) == (0, "")
    assert captions(shell.cwd / "my-lora") == before | {name: f"{text}\n" for name, text in TYPED.items()}


def test_an_edit_after_saving_is_unsaved_again(page: Page, made: Made) -> None:
    picture = made.project / "training_data" / "2_pictures" / "astronaut.png"
    page.write("astronaut.png", "one")
    ActionChains(page.driver).key_down(Keys.CONTROL).send_keys("s").key_up(Keys.CONTROL).perform()
    assert json.loads(page.saved().read_text(encoding="utf-8"))["edits"] == {
        "2_pictures/astronaut.txt": {
            "images": [image_file.digest(picture.read_bytes())],
            "old": "skimage photo, a smiling astronaut in an orange suit\n", "new": "one\n",
        }
    }  # fmt: skip
    assert not page.would_warn()
    page.write("astronaut.png", "two")
    assert page.would_warn() and page["changed"].text == "1 caption changed"


def test_what_the_page_shows_writes_the_second_save_too(page: Page, shell: Shell) -> None:
    """Also where the first was written before, and a caption of it was changed again, or back."""
    before = captions(shell.cwd / "my-lora")
    (page.downloads / "captions.json").write_text("of another evening")
    for name in ("astronaut.png", "coffee.bmp", "drawing-0001.png", NO_CAPTION):
        page.write(name, "one")
    page["save"].click()
    first = page.saved()
    assert shell("dataset", "apply", first, "my-lora").code == 0
    page.write("astronaut.png", "two")
    page.card("coffee.bmp").find_element(By.CLASS_NAME, "undo").click()
    page.card(NO_CAPTION).find_element(By.CLASS_NAME, "undo").click()
    page.write("drawing-0003.jpg", "new")
    assert page["changed"].text == "4 captions changed" and page.would_warn()
    page["save"].click()
    second = page.saved()
    assert second != first and second.name in page["next"].text
    answer = shell("dataset", "apply", second, "my-lora")
    assert (answer.code, answer.err) == (0, "")
    now = {
        "astronaut.png": "two\n",
        "drawing-0001.png": "one\n",
        "drawing-0003.jpg": "new\n",
        NO_CAPTION: "one\n",
    }
    assert captions(shell.cwd / "my-lora") == before | now


def test_a_file_saved_twice_in_a_second_has_two_names(page: Page) -> None:
    names = set()
    for text in "abc":
        page.write("astronaut.png", text)
        page["save"].click()
        names.add(page.saved().name)
    assert len(names) == 3 and all(name.startswith("captions-20") for name in names)


def test_a_reload_gives_back_what_was_typed_or_nothing_is_said_of_it(page: Page) -> None:
    page.write("astronaut.png", "typed before")
    page.driver.refresh()
    kept = page.caption("astronaut.png").get_property("value") == "typed before"
    assert page["changes"].is_displayed() == kept


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_screen(page: Page, width: int, dark: bool) -> None:
    page.open(width=width, dark=dark)
    page.write("astronaut.png", "w" * 300)
    page.run("for (const part of document.querySelectorAll('details')) part.open = true")
    assert page.run("const all = document.documentElement; return all.scrollWidth - all.clientWidth") == 0


def test_on_a_phone_the_images_come_first_and_a_picture_fills_its_card(page: Page) -> None:
    page.open(width=360, height=780)
    assert page.run("return document.querySelector('.card').getBoundingClientRect().top") < 780
    assert page.run("return document.querySelector('.card img').getBoundingClientRect().width") > 250


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_their_ground(page: Page, dark: bool) -> None:
    """WCAG AA, 4.5 to 1, of every colour of text on the ground it stands on."""
    page.open(dark=dark)
    page.write("astronaut.png", "changed")
    weakest = page.run(
        """
        const light = (colour) => {
          const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = (element) => {
          for (let e = element; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour;
          }
          return "rgb(255, 255, 255)";
        };
        const found = [];
        for (const element of document.querySelectorAll("body *")) {
          const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || element.value;
          if (!own || !element.getClientRects().length || element.closest("svg, script, option")) continue;
          const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort();
          found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.className || element.tagName]);
        }
        return found.sort((a, b) => a[0] - b[0])[0];
        """
    )
    assert weakest[0] >= 4.5, weakest


def test_everything_has_a_name_and_the_keyboard_reaches_it(page: Page) -> None:
    for element in page.driver.find_elements(By.CSS_SELECTOR, "textarea, input, select, button"):
        if element.is_displayed():
            assert element.accessible_name, element.get_attribute("outerHTML")
    page.driver.find_element(By.TAG_NAME, "body").send_keys("/")
    assert page.driver.switch_to.active_element == page["search"]
    page["search"].send_keys("astronaut", Keys.TAB)
    for _ in range(20):
        active = page.driver.switch_to.active_element
        if active.tag_name == "textarea":
            break
        active.send_keys(Keys.TAB)
    assert active.accessible_name == "Caption of astronaut.png"
