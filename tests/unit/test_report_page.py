"""The report's page and pictures: one file that loads nothing, in which no text is markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import reported

from sweepstake.reports import decision, page, report
from sweepstake.reports.chart import Axis, Chart, Panel, Series
from sweepstake.reports.decision import Badge, Decided

DRAWN = {
    *("curves.png", "decision.png", "failures.png", "folds.png", "importance.png", "pairs.png"),
    *("parallel.png", "quality.png", "time.png", "timeline.png"),
}


class Elements(HTMLParser):
    """The elements of a page, what they would load, and the text of each script of data."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.loaded, self.data, self._at = [], [], {}, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note an element, and whether it holds data."""
        given = dict(attrs)
        self.tags.append(tag)
        wanted = [given[name] for name in ("src", "href", "action", "data") if name in given]
        self.loaded += [each for each in wanted if not each.startswith("#")]
        self._at = given.get("id", "") if given.get("type") == "application/json" else ""

    def handle_data(self, data):
        """Keep the data."""
        if self._at:
            self.data[self._at] = self.data.get(self._at, "") + data

    def handle_endtag(self, tag):
        """Leave the element."""
        self._at = ""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A function that writes the report of a sweep, once, and returns its folder."""
    known = {}

    def write(trials, *, hostile=False):
        if (trials, hostile) not in known:
            known[trials, hostile] = folder = tmp_path_factory.mktemp("report")
            made = reported.material(trials, hostile=hostile)
            report.write(made, folder, reported.DECIDED)
        return known[trials, hostile]

    return write


def page_of(folder):
    """The text of the page in a folder."""
    return (folder / report.PAGE).read_text(encoding="utf-8")


def test_the_page_loads_nothing(written):
    """Its scripts and styles are in it; no element names an address."""
    found = Elements(page_of(written(20)))
    assert ([], 0) == (found.loaded, found.tags.count("link"))


def test_the_first_screen_says_what_won_by_how_much_and_what_came_of_it(written):
    """In this order, before anything else."""
    text = page_of(written(20)).partition("<main")[2].partition("<nav")[0]
    places = [
        text.index(part) for part in ("won with f1_macro", "ahead of the second", "✓ Promoted")
    ]
    assert sorted(places) == places
    assert "gains 0.0120" in text


def test_no_text_of_a_user_is_markup(written):
    """Names, values, labels, reasons, warnings and the grid file change no element of the page."""
    hostile, plain = (page_of(written(20, hostile=each)) for each in (True, False))
    found = Elements(hostile)
    kinds = {"img", "a", "b", "script"}
    expected = [tag for tag in Elements(plain).tags if tag in kinds]
    assert (expected.count("img"), 0) == (0, found.tags.count("img"))
    assert expected.count("a") == found.tags.count("a")
    own = hostile.replace(page.plotly_script(), "")
    assert [] == [sign for sign in "\x00\x07\u202e\u2066\u2028" if sign in own]
    assert (1, 1) == (hostile.count(decision.BEGIN), hostile.count(decision.END))


def test_no_text_is_markup_for_plotly_either(written):
    """What Plotly would read as a link or as bold is escaped in every figure."""
    found = Elements(page_of(written(20, hostile=True)))
    figures = [text for name, text in found.data.items() if name != "table"]
    assert len(figures) > 15
    assert [] == [text for text in figures if re.search(r"<(?!br>)|javascript:[^;]*'>", text)]
    assert [] == [text for text in figures if not json.loads(text)["data"]]


def test_the_table_has_every_trial_with_numbers_as_numbers(written):
    """Rank, number and score are sorted by size; ``None`` is shown as the file writes it."""
    table = json.loads(Elements(page_of(written(20))).data["table"])
    first, last = table["rows"][0], table["rows"][-1]
    assert (20, [int, int, float]) == (len(table["rows"]), [type(cell) for cell in first[:3]])
    assert ("failed", None) == (last[table["heads"].index("state")], last[0])
    depths = {row[table["heads"].index("max_depth")] for row in table["rows"]}
    assert {4, 8, 12, "null"} >= depths


@pytest.mark.slow
def test_ten_thousand_trials_make_a_page_that_can_be_sent(written):
    """Below 15 MB, with every trial in its table."""
    text = page_of(written(10_000))
    assert 10_000 == len(json.loads(Elements(text).data["table"])["rows"])
    assert 4_800_000 < len(text.encode()) < 15_000_000


def test_figures_are_pictures_as_well(written):
    """Each of them is a PNG beside the page, none is large."""
    files = {file.name: file for file in (written(20) / "figures").iterdir()}
    assert set(files) == DRAWN
    assert {b"\x89PNG"} == {file.read_bytes()[:4] for file in files.values()}
    assert 400_000 > max(file.stat().st_size for file in files.values())


def test_a_report_made_again_is_the_same(tmp_path):
    """Byte for byte, whichever process makes it."""
    made = [tmp_path / "one", tmp_path / "two"]
    for folder in made:
        folder.mkdir()
        report.write(reported.material(10), folder, reported.DECIDED)
    assert page_of(made[0]) == page_of(made[1])


@pytest.mark.parametrize("trials", [0, 1])
def test_a_sweep_with_hardly_a_trial_has_a_report(trials, tmp_path):
    """What cannot be drawn is said in a sentence; nothing raises."""
    made = replace(reported.material(20), standings=reported.material(20).standings[:trials])
    report.write(made, tmp_path, decision.undecided("digits", ""))
    text = page_of(tmp_path)
    assert ("No trial was ranked" in text, "fault of Sweepstake" in text) == (not trials, False)


def test_a_decision_takes_the_place_of_the_one_before():
    """Whatever its reason holds, once or twice; the rest of the page stays as it is."""
    first = page.fragment(decision.undecided("digits", ""))
    told = replace(reported.DECIDED, reason=r"\1 <!--/decision--> \g<0>")
    whole = decision.drawn_in(f"before{first}after", page.fragment(told))
    again = decision.drawn_in(whole, page.fragment(told))
    assert (True, True, whole) == (
        whole.startswith("before<!--"),
        whole.endswith("-->after"),
        again,
    )
    assert (0, r"\1 &lt;!--/decision--&gt; \g&lt;0&gt;" in whole) == (
        whole.count("Not decided"),
        True,
    )


def test_a_page_without_a_place_for_it_is_left_as_it_is():
    """A report of an earlier release has none."""
    assert "<p>old" == decision.drawn_in("<p>old", page.fragment(reported.DECIDED))


def test_the_interval_stands_against_what_it_has_to_exceed():
    """Gain and bounds as they were measured, and promotion.min_delta."""
    shown = decision.chart(replace(reported.DECIDED, min_delta=0.005))
    ends = [series.x for series in shown.panels[0].series]
    assert [(0.005, 0.005), (0.003, 0.021), (0.012,)] == ends
    assert "95 % bounds +0.0030 and +0.0210; it has to exceed 0.005." in shown.caption


def test_a_sweep_that_is_not_judged_says_why():
    """Cancelled, or judged before: it is not in service by this sweep."""
    told = decision.undecided("digits", "Ann cancelled it.")
    assert Decided(Badge.KEPT, "No new decision about it.", "Ann cancelled it.") == told


def test_a_chart_that_fails_keeps_no_other_away(monkeypatch, caplog):
    """It says so in its place."""
    monkeypatch.setattr(report.run_charts, "timeline", lambda _: 1 / 0)
    drawn = {chart.key: chart for chart in report.draw_all(reported.material(10))}
    assert drawn["timeline"].caption.startswith("It could not be drawn (ZeroDivisionError")
    assert ((), True) == (drawn["timeline"].panels, bool(drawn["scores"].panels))


def test_a_dollar_sign_in_a_picture_is_a_dollar_sign(tmp_path):
    """A name that looks like a formula is drawn as it is."""
    panel = Panel(Axis(r"$\frac{1$"), Axis(r"$\x$", ((0.0, "${{a}}$"),)), (Series((1.0,), (0.0,)),))
    report.picture.draw(Chart("k", r"$\nonsense{x}$", "", (panel,)), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
