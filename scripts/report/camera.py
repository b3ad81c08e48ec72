"""The camera: small pictures of web pages, by Chromium, and of terminals."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import chromium
import httpx
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from sweepstake.settings import Settings

SIZE = {"width": 1360, "height": 800}
COLOURS = 128
MILLISECONDS = 90_000
TERMINAL = """<body style="margin:0;background:#1e1e2e"><pre style="color:#e6e6e6;font:14px/1.45
'DejaVu Sans Mono',monospace;padding:20px;margin:0;display:inline-block"></pre></body>"""


@dataclass(frozen=True)
class Camera:
    """A page of a browser that is logged in to Airflow, and the folder of the pictures."""

    page: Page
    folder: Path

    def take(self, name: str, url: str, sight: str, *, clicks: tuple[str, ...] = ()) -> None:
        """A picture of what a browser shows at an address, once a text is in sight."""
        self.page.goto(url)
        self.page.get_by_text(sight).first.wait_for(timeout=MILLISECONDS)
        for each in clicks:
            self.page.locator(each).first.click()
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_timeout(2500)  # for what is drawn after its data have come
        self._keep(name, self.page.screenshot())

    def type(self, name: str, text: str) -> None:
        """A picture of a terminal with a text."""
        self.page.set_content(TERMINAL)
        self.page.locator("pre").evaluate("(at, text) => { at.textContent = text }", text)
        self._keep(name, self.page.locator("pre").screenshot())

    def _keep(self, name: str, picture: bytes) -> None:
        drawn = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=0)
        drawn.save(self.folder / f"{name}.png", optimize=True)


@contextmanager
def open_camera(settings: Settings, folder: Path) -> Iterator[Camera]:
    """A camera for the two web pages of a stack."""
    body = {"username": settings.airflow_user, "password": settings.airflow_password}
    answer = httpx.post(f"{settings.airflow_url}/auth/token", json=body, timeout=60)
    token = answer.json()["access_token"]
    folder.mkdir(parents=True, exist_ok=True)
    with chromium.running() as browser:
        context = browser.new_context(viewport=SIZE, color_scheme="light")
        context.add_cookies([{"name": "_token", "value": token, "url": settings.airflow_url}])
        yield Camera(context.new_page(), folder)
