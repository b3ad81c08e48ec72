"""What the tests in a browser rest on."""

from __future__ import annotations

import chromium as browsers

BROKEN = "<title>broken</title><html lang='en'><script>throw new Error('boo')</script>"
MUTE = "<title>mute</title><html lang='en'><body><img src='data:,'><h1>Title</h1>"
WHOLE = "<title>whole</title><html lang='en'><body><main><h1>Title</h1></main>"


def test_what_goes_wrong_in_a_page_is_told(chromium):
    """A script that throws and an error on the console, but neither warnings nor what is known."""
    errors: list[str] = []
    page = browsers.open_page(chromium, errors, "known")
    page.set_content(BROKEN)
    page.evaluate("console.error('said'), console.error('known'), console.warn('warned')")
    page.context.close()
    assert ["boo", "said ()"] == errors


def test_axe_finds_what_keeps_people_out(page):
    """A picture without words is a grave fault; a page in order has none."""
    page.set_content(MUTE)
    assert ["image-alt"] == [each.split()[0] for each in browsers.accessibility_faults(page)]
    page.set_content(WHOLE)
    assert [] == browsers.accessibility_faults(page)


def test_no_page_leaves_this_machine(chromium):
    """Names of other machines have no address in this browser."""
    errors: list[str] = []
    page = browsers.open_page(chromium, errors)
    page.set_content("<img alt='' src='http://example.com/a.png'>")
    page.wait_for_load_state("networkidle")
    page.context.close()
    assert ["ERR_NAME_NOT_RESOLVED" in each for each in errors] == [True]


def test_a_picture_is_kept(page, photograph):
    """In pytest's temporary folder, as a PNG."""
    page.set_content(WHOLE)
    assert b"\x89PNG" == photograph(page, "whole").read_bytes()[:4]
