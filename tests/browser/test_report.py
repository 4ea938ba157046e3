"""The report in headless Chromium, offline: it opens, moves, scrolls, and shows a real scan."""

import io
import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medddim.degradation import RicianNoise
from medddim.report import Case, write_report
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


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    clean = head((96, 88, 16))
    noisy = RicianNoise(0.05)(clean, np.random.default_rng(0))
    better = noisy.with_voxels((noisy.voxels + 3 * clean.voxels) / 4)
    case = Case("Phantom", input=noisy, enhanced=better, reference=clean, done="Noise was removed.")
    folder = tmp_path_factory.mktemp("report")
    return write_report(folder, cases=[case], provenance={"seed": 0})


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
    try:
        driver.set_script_timeout(PATIENCE)
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        driver.execute_cdp_cmd("Network.enable", {})
        driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
        driver.get(page.as_uri())
        viewer = driver.find_element("css selector", ".viewer")
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", viewer)
        WebDriverWait(driver, PATIENCE).until(lambda _: viewer.get_attribute("data-ready"))
        yield driver
    finally:
        driver.quit()


def shot(element, name):
    """The pixels of an element, `(row, column, rgb)`, kept as a file for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    element.parent.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    png = element.screenshot_as_png
    (SCREENSHOTS / f"{name}.png").write_bytes(png)
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
    browser.save_screenshot(str(SCREENSHOTS / "other_theme.png"))
    one(browser, "#theme").click()
    assert paper() == pytest.approx(before, abs=2)
    browser.save_screenshot(str(SCREENSHOTS / "theme.png"))


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
