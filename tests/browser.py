"""A page in headless Chromium, and what a reader does with it."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

PROGRAMS = [shutil.which(name) for name in ("chromium", "chromedriver")]
needs_chromium = pytest.mark.skipif(None in PROGRAMS, reason="chromium and chromedriver are not installed")
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--force-device-scale-factor=1",
)


class Browser:
    """One Chromium for several pages. `requests` are the URLs that the page asked for since it was opened."""

    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = PROGRAMS[0]
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        for switch in SWITCHES:
            options.add_argument(switch)
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(PROGRAMS[1]))

    def open(self, page: Path | str, *, width: int = 1200, theme: str = "light") -> None:
        """Open a file, or an address."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": theme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get("about:blank")
        self.requests()
        self.messages()
        self.driver.get(page.resolve().as_uri() if isinstance(page, Path) else page)
        self.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def run(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        return [found.text for found in self.all(selector)]

    def pictures(self) -> list[tuple[int, str]]:
        """The grey of each picture's centre, as it is decoded, and its alternative text."""
        script = """
            return Promise.all([...document.images].map(async (image) => {
                await image.decode();
                const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
                canvas.width = image.naturalWidth;
                canvas.height = image.naturalHeight;
                pen.drawImage(image, 0, 0);
                return [pen.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[0], image.alt];
            }));
        """
        return [tuple(found) for found in self.run(script)]

    def press(self, selector: str, *keys: str) -> None:
        self.run("arguments[0].focus()", self.find(selector))
        ActionChains(self.driver).send_keys(*keys).perform()

    def pixels(self, selector: str) -> np.ndarray:
        """What an image shows, as it is decoded: uint8 (H, W, 3)."""
        script = """
            const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
            await image.decode();
            canvas.width = image.naturalWidth;
            canvas.height = image.naturalHeight;
            pen.drawImage(image, 0, 0);
            const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
            return [canvas.height, canvas.width, btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""))];
        """
        height, width, data = self.run(f"return (async (image) => {{{script}}})(arguments[0])", self.find(selector))
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape((height, width, 4))[:, :, :3]

    def point_at(self, selector: str, share: float, down: float = 0.5) -> None:
        """Move the mouse to shares of the width and the height of an element, from the left and from the top."""
        place = self.find(selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", place)
        x, y = round((share - 0.5) * place.size["width"]), round((down - 0.5) * place.size["height"])
        ActionChains(self.driver).move_to_element_with_offset(place, x, y).perform()

    def drag(self, selector: str, start: float, end: float) -> None:
        place = self.find(selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", place)
        x, width = round((start - 0.5) * place.size["width"]), round((end - start) * place.size["width"])
        chain = ActionChains(self.driver).move_to_element_with_offset(place, x, 0).click_and_hold()
        chain.move_by_offset(width, 0).release().perform()

    def wait_for(self, script: str, *, seconds: float = 10):
        """The first result of the script that is true; the test fails if there is none within the seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.run(script)
            if found:
                return found
            time.sleep(0.02)
        pytest.fail(f"this never came: {script}")

    def download(self, selector: str, folder: Path) -> bytes:
        """What a link to a file of the page gives, saved into a folder by its name."""
        link = self.find(selector)
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
        link.click()
        end, path = time.monotonic() + 10, folder / link.get_attribute("download")
        while not path.exists():  # which it does when it is complete
            assert time.monotonic() < end, f"{path.name} was never saved"
            time.sleep(0.02)
        return path.read_bytes()

    def messages(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """What was asked for since this was called last, but for what the page holds itself."""
        sent = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        urls = [event["params"]["request"]["url"] for event in sent if event["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith(("data:", "about:"))]


@contextlib.contextmanager
def chromium():
    """A Browser that ends with the block."""
    browser = Browser()
    try:
        yield browser
    finally:
        browser.driver.quit()
