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
SIGN = 32
"""Pixels from the name of a run in MLflow's list to the sign that unfolds its children."""
NO_ASSISTANT = """localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");"""
"""Else MLflow's assistant takes a third of a browser's first page."""
TERMINAL = """<body style="margin:0;background:#1e1e2e"><pre style="color:#e6e6e6;font:14px/1.45
'DejaVu Sans Mono',monospace;padding:20px;margin:0;display:inline-block"></pre></body>"""


@dataclass(frozen=True)
class Camera:
    """A page of a browser that is logged in to Airflow, and the folder of the pictures."""

    page: Page
    folder: Path

    def take(self, name: str, url: str, sight: str, *, unfolds: bool = False) -> None:
        """A picture of what a browser shows at an address, once a text is in sight.

        With ``unfolds``, the row of the text is unfolded by the sign before it.
        """
        self.page.goto(url)
        seen = self.page.get_by_text(sight).first
        seen.wait_for()
        self.page.wait_for_timeout(DRAWING)
        if unfolds:
            at = seen.bounding_box() or {}
            self.page.mouse.click(at["x"] - SIGN, at["y"] + at["height"] / 2)
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
        context.add_init_script(NO_ASSISTANT)
        context.set_default_timeout(PATIENCE)
        yield Camera(context.new_page(), folder)
