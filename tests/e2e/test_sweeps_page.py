"""The page Sweeps on a real stack: from a grid file that is started there to its champion."""

from __future__ import annotations

import re
import time

import httpx
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(0)]

GRID = """\
data: {source: sklearn:iris}
estimator: DecisionTreeClassifier
grid: {max_depth: [1, 2, 3, 4]}
metric: accuracy
metrics: [f1_macro]
cv: 3
limits: {trials_per_task: 2}
"""
NAME = "started-on-the-page"
SECONDS = 600


@pytest.fixture
def page(stack):
    """A session with the page, as the stack's administrator."""
    settings = stack.settings
    login = {"username": settings.airflow_user, "password": settings.airflow_password}
    found = httpx.post(f"{settings.airflow_url}/auth/token", json=login, timeout=SECONDS)
    headers = {
        "Authorization": f"Bearer {found.json()['access_token']}",
        "X-Sweepstake": "page",
        "HX-Request": "true",
    }
    with httpx.Client(
        base_url=f"{settings.airflow_url}/sweepstake", headers=headers, timeout=SECONDS
    ) as client:
        yield client


def shows(page, path, text):
    """Whether an address comes to show a text; its page."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = " ".join(re.sub(r"<[^>]+>", " ", page.get(path).text).split())
        if text in found:
            return found
        time.sleep(1)
    pytest.fail(f"{path} does not come to show {text!r}: {found}")


def test_a_sweep_is_started_followed_and_tried_again_on_the_page(page):
    """It is checked, planned, swept and judged; its tabs know its run and its mapped tasks."""
    form = {"file": f"{NAME}.yaml", "content": GRID}
    checked = page.post("/submit/check", data=form).text
    digest = re.search(r'name="digest" value="(\w+)"', checked)[1]
    assert "4 trials in 2 tasks" in checked
    started = page.post("/submit/start", data={**form, "digest": digest})
    assert "is in the watched folder" in started.text
    sweep = f"{NAME}__{digest[:12]}"
    told = shows(page, f"/sweeps/{sweep}", "In service Yes , as champion v")
    assert "4 of 4" in told
    assert re.search(r"mean accuracy mean f1_macro seconds .* \d\.\d{4} \d\.\d{4} ", told)
    tab = shows(page, f"/runs/sweep/{sweep}?index=1", "Below are the trials of one task alone")
    assert 2 == len(re.findall(r"# \d |#\d+ complete", tab))
    again = page.post(f"/sweeps/{sweep}/retry").text
    assert "every trial is complete, so nothing is trained again" in again
    assert NAME in shows(page, "/", NAME)
