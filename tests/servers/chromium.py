"""Debian's Chromium, as the tests drive it: on this machine alone, and with open ears.

``with running() as browser`` is one; ``open_page`` opens a page of it and collects what goes
wrong there; ``accessibility_faults`` asks axe-core for what keeps people out.
"""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Frame, Page

PROGRAM = shutil.which("chromium")
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]
"""The last one keeps it on this machine, whatever a page asks for."""
NEVER = "(?!)"
GRAVE = {"serious", "critical"}


@contextmanager
def running() -> Iterator[Browser]:
    """A browser without a window; it keeps nothing when it ends."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=PROGRAM,
            chromium_sandbox=False,  # it would refuse root
            args=FLAGS,
        )
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Browser, errors: list[str], not_ours: str = NEVER, **looks: Any) -> Page:
    """A page of a session of its own; ``errors`` takes what it writes to its console as errors.

    What the pattern ``not_ours`` finds is left out. ``looks`` are Playwright's, such as
    ``viewport`` and ``color_scheme``.
    """
    known = re.compile(not_ours)

    def add(text: str) -> None:
        if not known.search(text):
            errors.append(text)

    page = browser.new_context(**looks).new_page()
    page.on("pageerror", lambda error: add(str(error)))
    page.on(
        "console",
        lambda said: add(f"{said.text} ({said.location['url']})") if said.type == "error" else None,
    )
    return page


def accessibility_faults(page: Page | Frame) -> list[str]:
    """What axe-core finds serious or critical: its rule, what it asks for, and the elements."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {node['html']}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]
