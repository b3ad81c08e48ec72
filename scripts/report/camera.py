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
PATIENCE = 180_000
"""Milliseconds until a page has what it is about."""
DRAWING = 8_000
"""Milliseconds for what is drawn after that."""
TERMINAL = """<body style="margin:0;background:#1e1e2e"><pre style="color:#e6e6e6;font:14px/1.45
'DejaVu Sans Mono',monospace;padding:20px;margin:0;display:inline-block"></pre></body>"""


@dataclass(frozen=True)
class Camera:
    """A page of a browser that is logged in to Airflow, and the folder of the pictures."""

    page: Page
    folder: Path

    def take(self, name: str, url: str, sight: str) -> None:
        """A picture of what a browser shows at an address, once a text is in sight."""
        self.page.goto(url)
        self.page.get_by_text(sight).first.wait_for()
        self.page.wait_for_timeout(DRAWING)
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
        context.set_default_timeout(PATIENCE)
        yield Camera(context.new_page(), folder)
