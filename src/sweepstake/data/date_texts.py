"""Date texts: how people write dates and times, by which a column of them is told from others."""

from __future__ import annotations

import re

_MONTH = (
    r"(?:jan|feb|f\u00e9v|mar|m\u00e4r|mrz|apr|avr|abr|may|mai|jun|juin|jul|juil|aug|ao\u00fb|ago|"
    r"sep|oct|okt|nov|dec|dez|d\u00e9c|dic|ene|\u044f\u043d\u0432|\u0444\u0435\u0432|"
    r"\u043c\u0430\u0440|\u0430\u043f\u0440|\u043c\u0430\u0439|\u043c\u0430\u044f|"
    r"\u0438\u044e\u043d|\u0438\u044e\u043b|\u0430\u0432\u0433|\u0441\u0435\u043d|"
    r"\u043e\u043a\u0442|\u043d\u043e\u044f|\u0434\u0435\u043a)[^\W\d_]{0,9}\.?"
)
"""The names of months in a few languages, short or long."""
_WEEKDAY = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s+"
_TIME = (
    r"\d{1,3}[:h.]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?(?:\s*[ap]\.?m\.?)?"
    r"(?:\s*(?:z|utc|[-+]\d{2}:?\d{2}))?"
)
_CLOCK = _TIME.replace("[:h.]", "[:h]", 1)
"""A time without its day: 10.30 alone is a number."""
_DAY = "|".join(
    (
        r"\d{4}([-/.])\d{1,2}\1\d{1,2}",
        r"\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d{2})",
        rf"\d{{1,2}}[-/. ]{{0,2}}{_MONTH}[-/., ]{{0,2}}(?:\d{{4}}|\d{{2}})",
        rf"{_MONTH}\s*\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}",
        rf"{_MONTH}[-/. ]{{1,2}}(?:\d{{4}}|\d{{2}})",
        r"\d{4}[-/](?:0[1-9]|1[0-2])",
        r"(?:0[1-9]|1[0-2])[-/]\d{4}",
        r"\d{4}-?w\d{2}(?:-?\d)?",
        r"\d{4}[-/ ]?q[1-4]|q[1-4][-/ ]?\d{4}",
        r"\d{4}-[0-3]\d{2}",
        r"\d{4}\u5e74\d{1,2}\u6708(?:\d{1,2}\u65e5)?",
        r"\d{8}(?=t)",
    )
)
DATE = re.compile(
    rf"(?:{_WEEKDAY})?(?:{_DAY})(?:(?:t|,?\s+){_TIME})?|{_CLOCK}|\d{{8}}t\d{{4,6}}z?", re.IGNORECASE
)
"""A text that is a date, a time or both, or a month, a week or a quarter of a year."""
