"""The report in a real browser: as a download, and in a frame with the rights that MLflow gives."""

from __future__ import annotations

import chromium as browsers
import pytest
import reported

from sweepstake.reports import report

PATIENCE = 180_000
"""Milliseconds."""
PHONE = {"width": 390, "height": 800}
FRAME = "<!doctype html><html lang='en'><title>t</title><iframe title='f' sandbox='allow-scripts' "
FRAME += "style='width: 100%; height: 700px'></iframe>"
"""What MLflow 3.17 shows HTML in: a blob in a frame that may run scripts, and nothing else."""
LOAD = """text => {
  const blob = new Blob([text], {type: "text/html"});
  document.querySelector("iframe").src = URL.createObjectURL(blob);
}"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A function that writes the report of a sweep, once, and returns its page."""
    known = {}

    def write(trials, *, hostile=False):
        if (trials, hostile) not in known:
            folder = tmp_path_factory.mktemp("report")
            made = reported.material(trials, hostile=hostile)
            report.write(made, folder, reported.DECIDED)
            known[trials, hostile] = folder / report.PAGE
        return known[trials, hostile]

    return write


def show(page, file):
    """Open a report as a download; a busy machine may take its time."""
    page.set_default_timeout(PATIENCE)
    page.goto(file.as_uri(), timeout=PATIENCE)


def draw_all(page):
    """Scroll through a page until all of its figures are drawn."""
    for place in page.locator(".plot").all():
        place.scroll_into_view_if_needed()
        place.locator("svg, canvas").first.wait_for(state="attached")


def framed(page, file):
    """Show a report as MLflow does, and return its frame."""
    page.set_default_timeout(PATIENCE)
    page.set_content(FRAME)
    page.evaluate(LOAD, file.read_text(encoding="utf-8"))
    page.frame_locator("iframe").locator("h1").wait_for()
    return page.frames[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_keeps_nobody_out(open_page, written, photograph, scheme):
    """All figures are drawn, in light and dark, and axe-core finds nothing grave."""
    page = open_page(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
    show(page, written(40))
    draw_all(page)
    photograph(page, f"report-{scheme}")
    assert [] == browsers.accessibility_faults(page)


def test_the_first_screen_has_the_answer(page, written):
    """What won, by how much and whether it is in service, without a scroll."""
    show(page, written(40))
    for text in (
        "won with f1_macro",
        "ahead of the second",
        "✓ Promoted",
        "Who is in service now",
        "gains 0.0120",
    ):
        box = page.get_by_text(text).first.bounding_box()
        assert box["y"] + box["height"] < 800


def test_the_report_fits_a_phone(open_page, written, photograph):
    """Nothing but tables is wider than the screen."""
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    show(page, written(40))
    draw_all(page)
    photograph(page, "report-phone")
    assert PHONE["width"] == page.evaluate("document.documentElement.scrollWidth")


def test_the_report_works_in_the_frame_of_mlflow(page, written):
    """Without an origin, storage, a clipboard or a network it draws, sorts and copies."""
    frame = framed(page, written(40))
    frame.locator("#importance .plot").first.scroll_into_view_if_needed()
    frame.locator("#importance .plot svg").first.wait_for(state="attached")
    frame.get_by_role("button", name="rank").click()
    frame.get_by_role("button", name="Copy").click()
    assert "Copied." in frame.locator("#copied").inner_text()
    assert [] == browsers.accessibility_faults(frame)


@pytest.mark.parametrize("inside", [True, False])
def test_hostile_texts_are_inert(page, written, inside):
    """No script of theirs runs, and no element of theirs is there, in the frame or out of it."""
    file = written(20, hostile=True)
    shown = framed(page, file) if inside else page
    if not inside:
        show(page, file)
    draw_all(shown)
    assert (None, 0) == (
        shown.evaluate("window.hurt"),
        shown.locator("img, [href^=javascript], .plot b").count(),
    )


def test_ten_thousand_trials_are_sorted_filtered_and_turned_over_by_keyboard(page, written):
    """Page by page, by any column, by several words at once."""
    show(page, written(10_000))
    page.locator("#shown").filter(has_text="1 to 25 of 10000").wait_for()
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    assert "26 to 50 of 10000 trials" == page.locator("#shown").inner_text()
    page.get_by_role("button", name="trial", exact=True).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert "9999" == page.locator("#board tbody tr").first.locator("td").nth(1).inner_text()
    page.get_by_label("Filter").press_sequentially("depth=null failed")
    cells = page.locator("#board tbody tr").first.inner_text()
    assert ("null" in cells, "failed" in cells) == (True, True)


def test_colours_change_at_the_button(page, written):
    """Light becomes dark, the figures too."""
    show(page, written(40))
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    assert before != page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_without_scripts_the_answer_and_the_best_are_there(open_page, written):
    """The first trials as a table, and where the rest is."""
    page = open_page(java_script_enabled=False)
    show(page, written(40))
    assert 25 == page.locator("#board tbody tr").count()
    assert page.locator("noscript p").is_visible()
