"""A real browser: a page with an error on its console fails its test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import chromium as browsers
import pytest
import sweepsshown
from pytest_socket import socket_allow_hosts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page
    from sweepsshown import Shown


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup():
    """Let tests talk to this machine only."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, one for all tests of this folder."""
    if browsers.PROGRAM is None:
        pytest.skip("needs Debian's package chromium: scripts/browser_needs.sh")
    with browsers.running() as browser:
        yield browser


@pytest.fixture
def not_ours() -> str:
    """A pattern of console errors that are known and not ours; a test file may have its own."""
    return browsers.NEVER


@pytest.fixture
def open_page(chromium, not_ours) -> Iterator[Callable[..., Page]]:
    """A function that opens a page by Playwright's options of a context; none may have errors."""
    errors: list[str] = []
    opened: list[Page] = []

    def new(**looks) -> Page:
        opened.append(browsers.open_page(chromium, errors, not_ours, **looks))
        return opened[-1]

    yield new
    for each in opened:
        each.context.close()
    assert [] == errors


@pytest.fixture
def page(open_page) -> Page:
    """A page as wide as a laptop's."""
    return open_page(viewport={"width": 1280, "height": 800})


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """The folder of the screenshots, among pytest's temporary ones."""
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture
def photograph(pictures) -> Callable[[Page, str], Path]:
    """A function that takes a picture of a page, all of it, under a name."""

    def take(page: Page, name: str) -> Path:
        path = pictures / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        assert path.stat().st_size > 0
        return path

    return take


@pytest.fixture(scope="package")
def shown(tmp_path_factory) -> Iterator[Shown]:
    """The page over finished, judged and waiting sweeps, which the real code has made."""
    with sweepsshown.running(tmp_path_factory.mktemp("shown")) as made:
        yield made
