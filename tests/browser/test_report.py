"""The report in headless Chromium, offline: it opens, moves, scrolls, and shows a real scan.

Every test looks at two pages: one made of a phantom in a second, and that of `medddim demo`.
"""

import io
import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from medddim import Volume, demo, read
from medddim.degradation import RicianNoise
from medddim.demo import HEAD
from medddim.formats import samples
from medddim.report.case import Case
from medddim.report.page import write_report
from medddim.report.planes import cuts
from medddim.report.words import STRUCTURE
from medddim.training.dataset import middle_slices
from tests.phantoms import head

ROOT = Path(__file__).resolve().parent.parent.parent
SCREENSHOTS = ROOT / "build" / "screenshots"
PATIENCE = 180
"""Seconds; WebGL is drawn by the processor here, and the processor may be busy."""
FLAGS = (
    "--headless=new --no-sandbox --use-angle=swiftshader --enable-unsafe-swiftshader "
    "--disable-background-networking --disable-component-update --disable-sync --no-first-run "
    "--disable-dev-shm-usage --window-size=1280,900"
).split()
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER and find_spec("selenium") and find_spec("ipyniivue")),
        reason="needs chromium and chromium-driver (Debian), selenium and ipyniivue (medddim[dev])",
    ),
]


class Page(NamedTuple):
    """A page, and the input and the result of its first scan."""

    name: str
    path: Path
    before: Volume
    after: Volume


@pytest.fixture(scope="module", params=["phantom", "demo"])
def page(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    if request.param == "demo":
        few = middle_slices(samples.mr_head(), 16)  # a whole head takes a slow machine minutes
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(samples, "mr_head", lambda: few)
            patch.setattr(demo, "CURVE_SLICES", 1)
            path = demo.run_demo(folder).page
        return Page(
            "demo", path, *(read(f"{folder}/{f}/{HEAD}.nii.gz") for f in ("noisy", "enhanced"))
        )
    clean = head((96, 88, 16))
    noisy = RicianNoise(0.05)(clean, np.random.default_rng(0))
    better = noisy.with_voxels((noisy.voxels + 3 * clean.voxels) / 4)
    case = Case("Phantom", input=noisy, enhanced=better, reference=clean, done="Noise was removed.")
    path = write_report(folder, cases=[case], provenance={"seed": 0})
    return Page("phantom", path, noisy, better)


@pytest.fixture(scope="module")
def browser(page, tmp_path_factory):
    """Chromium with the network off and the page open, its viewer started."""
    from selenium import webdriver
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.screenshots = SCREENSHOTS / page.name
    driver.screenshots.mkdir(parents=True, exist_ok=True)
    try:
        driver.set_script_timeout(PATIENCE)
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        driver.execute_cdp_cmd("Network.enable", {})
        driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
        driver.get(page.path.as_uri())
        viewer = driver.find_element("css selector", ".viewer")
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", viewer)
        WebDriverWait(driver, PATIENCE).until(lambda _: viewer.get_attribute("data-ready"))
        yield driver
    finally:
        driver.quit()


def shot(element, name):
    """The pixels of an element, `(row, column, rgb)`, kept as a file for people to look at."""
    element.parent.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    png = element.screenshot_as_png
    (element.parent.screenshots / f"{name}.png").write_bytes(png)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(float)


def one(browser, selector):
    return browser.find_element("css selector", selector)


def chosen(browser, layer):
    """The screen of the viewer once it shows a layer."""
    from selenium.webdriver.support.ui import WebDriverWait

    button = one(browser, f".layers input[value='{layer}']")
    browser.execute_script("arguments[0].click()", button)
    viewer = one(browser, ".viewer")
    WebDriverWait(browser, PATIENCE).until(lambda _: viewer.get_attribute("data-shown") == layer)
    return shot(one(browser, ".screen"), re.sub(r"\W+", "_", layer))


def test_the_viewer_shows_a_scan_and_not_a_blank_canvas(browser):
    assert one(browser, ".viewer").get_attribute("data-ready") == "yes"
    picture = chosen(browser, "enhanced")
    grey = picture.mean(axis=2)
    assert 0.05 < (grey > 60).mean() < 0.9
    assert grey.std() > 30
    assert len(np.unique(grey.round())) > 60
    thirds = np.array_split(grey, 3, axis=1)
    assert all(third.std() > 10 for third in thirds)  # three planes beside one another


def object_in(grey, *, level):
    """The part of a picture that holds its first object, without letters and margins."""
    bright = grey > level
    columns = np.flatnonzero(bright.any(axis=0))
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    columns = next(run for run in runs if len(run) > 50)
    rows = np.flatnonzero(bright[:, columns].mean(axis=1) > 0.05)
    return grey[rows[0] : rows[-1], columns[0] : columns[-1]]


def alike(shown, expected):
    """The correlation of two pictures of one thing, of whatever size."""
    size = (shown.shape[1], shown.shape[0])
    resized = np.asarray(Image.fromarray(expected.astype(np.float32)).resize(size))
    return np.corrcoef(resized.ravel(), shown.ravel())[0, 1]


def test_what_is_shown_is_what_the_file_holds(browser, page):
    picture = chosen(browser, "enhanced")
    grey = np.where(np.ptp(picture, axis=2) < 30, picture.mean(axis=2), 0)  # without the cross
    axial, *_ = cuts(page.after, planes=("axial",))
    truth = axial.of(page.after.voxels[0])
    expected = object_in(truth, level=0.25 * truth.max())
    assert alike(object_in(grey, level=60), expected) > 0.8
    handle = one(browser, ".slider input")
    browser.execute_script(
        "arguments[0].value = 100; arguments[0].dispatchEvent(new Event('input'))", handle
    )
    slider = shot(one(browser, ".slider"), "input_alone").mean(axis=2)
    assert alike(slider, axial.of(page.before.voxels[0])) > 0.9
    browser.execute_script(
        "arguments[0].value = 50; arguments[0].dispatchEvent(new Event('input'))", handle
    )


def test_the_map_of_structure_is_dark_but_for_structure_and_colours_are_explained(browser):
    marked = chosen(browser, STRUCTURE)
    assert (marked.mean(axis=2) < 30).mean() > 0.9
    assert "standard deviations" in one(browser, ".scale").text
    chosen(browser, "enhanced − input")
    assert "blue darker, orange brighter" in one(browser, ".scale").text
    chosen(browser, "enhanced")


def test_the_page_tells_what_was_done_how_much_better_and_where_to_doubt(browser, page):
    short = one(browser, ".short").text
    for heading in ("What was done", "closer to the reference", "Where not to trust it"):
        assert heading in short
    assert page.path.stat().st_size < 15_000_000
    wide = "return document.documentElement.scrollWidth - innerWidth"
    assert browser.execute_script(wide) <= 0
    tables = (
        "return [...document.querySelectorAll('.table')].map(t => t.scrollWidth - t.clientWidth)"
    )
    assert max([0, *browser.execute_script(tables)]) == 0  # all of every table can be seen


def test_every_layer_is_another_picture(browser):
    before, after = chosen(browser, "input"), chosen(browser, "enhanced")
    change = chosen(browser, "enhanced − input")
    assert 0.5 < np.abs(before - after).mean() < 60
    assert np.ptp(change, axis=2).max() > 60  # it has colours
    chosen(browser, "enhanced")


def test_the_keys_scroll_and_flip(browser):
    from selenium.webdriver.common.keys import Keys

    first = chosen(browser, "enhanced")
    slices = one(browser, ".scroll input[data-plane='axial']")
    place = int(slices.get_attribute("value"))
    slices.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert int(slices.get_attribute("value")) == place + 3
    assert np.abs(shot(one(browser, ".screen"), "scrolled") - first).mean() > 0.5
    canvas = one(browser, ".viewer canvas")
    browser.execute_script("arguments[0].focus()", canvas)
    canvas.send_keys(Keys.SPACE)
    assert one(browser, ".layers input:checked").get_attribute("value") == "input"
    assert "At the cross: input" in one(browser, ".values").text


def test_the_slider_moves_by_key_and_shows_more_of_the_input(browser):
    from selenium.webdriver.common.keys import Keys

    slider = one(browser, ".slider")
    middle = shot(slider, "slider_50")
    handle = one(browser, ".slider input")
    handle.send_keys(Keys.END)
    moved = shot(slider, "slider_100")
    assert handle.get_attribute("value") == "100"
    half = middle.shape[1] // 2
    assert np.abs(moved - middle)[:, half + 20 :].mean() > 2
    assert np.abs(moved - middle)[:, : half - 20].mean() < 1


def test_the_page_turns_dark_and_light(browser):
    def paper():
        return shot(one(browser, "header"), "header")[-3:].mean()

    before = paper()
    one(browser, "#theme").click()
    after = paper()
    assert abs(after - before) > 150
    browser.save_screenshot(str(browser.screenshots / "other_theme.png"))
    one(browser, "#theme").click()
    assert paper() == pytest.approx(before, abs=2)
    browser.save_screenshot(str(browser.screenshots / "theme.png"))


@pytest.fixture
def phone(browser):
    """The same page on a phone, 390 pixels wide."""
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_a_phone_one_plane_fills_the_width(phone):
    for plane in ("axial", "sagittal"):
        phone.execute_script("arguments[0].click()", one(phone, f".planes input[value={plane}]"))
        picture = shot(one(phone, ".screen"), f"phone_{plane}").mean(axis=2)
        drawn = np.flatnonzero((picture > 40).any(axis=0))
        assert np.ptp(drawn) > 0.85 * picture.shape[1]
        assert (picture > 40).mean() > 0.3  # mostly scan, not black
    assert one(phone, ".screen").size["width"] > 330
    wide = "return document.documentElement.scrollWidth - innerWidth"
    assert phone.execute_script(wide) <= 0
    phone.save_screenshot(str(phone.screenshots / "phone.png"))


def test_nothing_was_fetched_and_nothing_complained(browser):
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {
        event["params"]["request"]["url"].split(":")[0]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert "file" in asked
    assert asked <= {"file", "data", "blob", "chrome"}  # chrome: the empty tab before the page
    severe = [
        entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"
    ]
    assert severe == []
