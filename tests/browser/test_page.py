"""The page Sweeps in a browser: what a stranger sees at once, and what a click does."""

from __future__ import annotations

import chromium as browsers
import pytest
from sweepsshown import HOSTILE, MODEL

SECONDS = 120_000
"""Milliseconds, as Playwright counts: the machine may be busy."""


@pytest.fixture
def visit(shown, open_page):
    """A function that opens an address of Airflow as a user, in a page of its own."""

    def go(path, user="ann", **looks):
        page = open_page(**{"viewport": {"width": 1280, "height": 800}, **looks})
        page.set_default_timeout(SECONDS)
        cookie = {"name": "_token", "value": shown.airflow.tokens[user], "url": shown.airflow.url}
        page.context.add_cookies([cookie])
        page.goto(f"{shown.airflow.url}{path}")
        return page

    return go


def told(page):
    """The pairs of the answer, by what they are about."""
    names, texts = page.locator(".answer dt"), page.locator(".answer dd")
    return dict(zip(names.all_inner_texts(), texts.all_inner_texts(), strict=True))


def test_the_first_look_tells_who_is_in_service_and_why(visit, photograph):
    """The champion, its score, since when, by how much and why stand in one card."""
    page = visit("/sweepstake/")
    card = page.locator(".card").filter(has_text=MODEL).inner_text()
    photograph(page, "overview")
    assert MODEL in card
    assert "v2 0.9667 accuracy" in card
    assert "better than v1 by +0.3000 (from +0.1301 to +0.3000, on 30 held-out rows)" in card
    assert "It takes over." in card


def test_the_list_tells_how_far_each_sweep_is(visit):
    """Waiting, running with what is left, complete with what failed, and what is in service."""
    page = visit("/sweepstake/")
    mine = page.locator("tbody tr").filter(has_text=MODEL)  # others have swept here too
    rows = [" ".join(each.split()) for each in mine.all_inner_texts()]
    waiting, running, second, first = rows
    assert "flowers-waiting waiting not planned yet" in waiting
    assert ("running about" in running, "2 of 4" in running) == (True, True)
    assert ("3 of 4, 1 failed" in second, "in service promote" in second) == (True, True)
    assert ("1 of 1" in first, "in service" in first) == (True, False)


def test_a_sweep_answers_what_won_by_how_much_in_service_and_why(visit, shown, photograph):
    """All of it stands in one box above the trials."""
    page = visit(f"/sweepstake/sweeps/{shown.second}")
    found = told(page)
    photograph(page, "sweep")
    assert ["Won", "Score", "In service", "By how much", "Why"] == list(found)
    assert found["Won"] == "#0 DecisionTreeClassifier max_depth=2"
    assert found["In service"] == f"Yes, as champion v2 of {MODEL}"
    assert "over champion v1" in found["By how much"]


def test_texts_of_users_are_drawn_as_texts(visit, shown):
    """A reason that is markup is neither an element nor a script."""
    page = visit(f"/sweepstake/sweeps/{shown.second}")
    assert page.locator("main img").count() == 0
    assert HOSTILE in page.locator("main").inner_text()


def test_a_running_sweep_is_drawn_again_by_itself(visit, shown):
    """The live part asks for itself every few seconds, without a reload."""
    page = visit(f"/sweepstake/sweeps/{shown.running}")
    page.evaluate("window.still = true")
    with page.expect_response(lambda answer: shown.running in answer.url) as answer:
        pass
    page.locator("text=2 of 4").wait_for()
    assert (200, True) == (answer.value.status, page.evaluate("window.still"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nobody_is_kept_out(visit, shown, photograph, scheme, width):
    """No serious finding of axe-core on any page, and none is wider than its window."""
    page = visit("/sweepstake/", color_scheme=scheme, viewport={"width": width, "height": 800})
    paths = ["/", f"/sweeps/{shown.second}", f"/models/{MODEL}", "/submit"]
    for number, path in enumerate(paths):
        page.goto(shown.airflow.page + path)
        photograph(page, f"{scheme}-{width}-{number}")
        assert (path, []) == (path, browsers.accessibility_faults(page))
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_mistakes_are_told_at_their_lines(visit, photograph):
    """A click on one leads to its line in the editor."""
    page = visit("/sweepstake/submit")
    grid = "data: {source: sklearn:iris}\nestimator: SVC\ngrid: {C: [1], gama: [1]}\n"
    page.fill("#content", grid + "metric: accuracy\n")
    page.click("text=Check")
    page.locator("text=SVC has no parameter 'gama'. Did you mean 'gamma'?").wait_for()
    page.click("button:has-text('line 3')")
    photograph(page, "mistakes")
    chosen = "(e => e.value.slice(e.selectionStart, e.selectionEnd))"
    assert page.evaluate(f"{chosen}(document.querySelector('#content'))") == (
        "grid: {C: [1], gama: [1]}"
    )
    assert [] == browsers.accessibility_faults(page)


def test_a_file_is_checked_planned_and_started(visit, shown, tmp_path, photograph):
    """What was chosen is read into the editor; its plan is told before it can be started."""
    file = tmp_path / "chosen.yaml"
    text = "data: {source: sklearn:iris}\nestimator: SVC\ngrid: {C: [1, 2]}\nmetric: accuracy\n"
    file.write_text(text)
    page = visit("/sweepstake/submit")
    page.set_input_files("#chosen", file)
    page.wait_for_function("document.querySelector('#file').value === 'chosen.yaml'")
    page.click("text=Check")
    page.locator("text=2 trials in").wait_for()
    photograph(page, "planned")
    page.click("text=Start this sweep")
    page.locator("text=is in the watched folder").wait_for()
    assert text == (shown.settings.grids / "chosen.yaml").read_text()


def test_the_page_is_in_airflows_frame(visit, shown, photograph):
    """In the navigation; a deep link leads into it, and one to MLflow opens MLflow's page."""
    page = visit("/plugin/sweeps")
    frame = page.frame_locator("iframe")
    frame.locator("a:has-text('flowers-second')").first.click()
    frame.locator("h1:has-text('flowers-second')").wait_for()
    page.wait_for_url(f"**/plugin/sweeps/sweepstake/sweeps/{shown.second}")
    photograph(page, "frame")
    with page.context.expect_page() as opened:
        frame.locator("a:has-text('in MLflow')").click()
    opened.value.wait_for_url(f"{shown.settings.tracking_uri}/#/experiments/**", timeout=SECONDS)
    opened.value.close()


@pytest.fixture
def not_ours(request):
    """Airflow's own page looks for a task instance that no scheduler has made."""
    return r"/api/v2/dags/sweep/dagRuns/.*/taskInstances/train/1|127\.0\.0\.1:\d+/(ajax|static)-"


def test_runs_and_mapped_tasks_have_a_tab(visit, shown):
    """That of a task has its own trials, below the answer of the whole sweep."""
    page = visit(f"/dags/sweep/runs/{shown.second}/plugin/sweep")
    frame = page.frame_locator("iframe")
    frame.locator("tbody tr >> nth=3").wait_for()
    page.goto(
        f"{shown.airflow.url}/dags/sweep/runs/{shown.second}/tasks/train/mapped/1/plugin/trials"
    )
    frame.locator("text=Below are the trials of one task alone: trials 0002 to 0003.").wait_for()
    assert 2 == frame.locator("tbody tr").count()
    assert "#0 Dec" in frame.locator(".answer").inner_text()


def test_a_sweep_is_cancelled_in_the_name_of_who_asks(visit, shown, photograph):
    """Airflow's run has the note, and the sweep's tasks find the reason."""
    page = visit(f"/sweepstake/sweeps/{shown.running}")
    page.on("dialog", lambda dialog: dialog.accept())
    page.fill("input[name=why]", "wrong data")
    page.click("button:has-text('Cancel')")
    page.locator("text=ends within seconds").wait_for()
    photograph(page, "cancelled")
    path = f"/api/v2/dags/sweep/dagRuns/{shown.running}"
    note = shown.airflow.call("ann", "GET", path).json()["note"]
    assert "Cancelled by ann. wrong data" == note.replace("\\", "")


def test_a_champion_is_rolled_back_with_a_reason(visit, photograph):
    """The former one is in service again, and the ledger says who wanted it and why."""
    page = visit(f"/sweepstake/models/{MODEL}")
    page.on("dialog", lambda dialog: dialog.accept())
    page.fill("form[hx-post$=rollback] input[name=why]", "slow on <b>large</b> orders")
    page.click("button:has-text('Roll back')")
    page.locator("text=champion is v1").wait_for()
    page.reload()
    photograph(page, "rolled-back")
    found = told(page)
    assert "v1 of sweep" in found["Champion"]
    assert "Rolled back to v1 by ann: slow on <b>large</b> orders" in found["Why"]
