"""Pages of the documentation: their blocks, and the commands that they show with their output."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
STACKLESS = {"validate", "plan", "schema"}
FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^>]+?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
MACHINE_DEPENDENT = ((r"\d+:\d\d:\d\d", "0:00:00"), (r"in \d+ tasks?", "in 1 task"))


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; ``mark`` is the comment on the line above it."""

    page: Path
    language: str
    mark: str
    text: str


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it, with the output below it."""

    page: Path
    mark: str
    line: str
    output: str

    @property
    def words(self):
        """The arguments after ``sweepstake``."""
        return shlex.split(self.line)[1:]

    @property
    def is_stackless(self):
        """Whether it needs no server, so that it can run anywhere."""
        return self.words[0] in STACKLESS or "--help" in self.words


def name(path):
    """A path as it is called in the repository."""
    return path.relative_to(ROOT).as_posix()


def blocks(*languages):
    """Every fenced block of every page in these languages."""
    found = [
        Block(page, match["language"], match["mark"] or "", match["text"])
        for page in PAGES
        for match in FENCE.finditer(page.read_text(encoding="utf-8"))
    ]
    return [block for block in found if block.language in languages]


def commands():
    """Every command that a page shows after a dollar sign."""
    return [
        Shown(block.page, block.mark, line, output.strip())
        for block in blocks("console")
        for line, output in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE)
    ]


def files(page=None):
    """The blocks that a reader saves under a name: pairs of the name and the text."""
    found = [each for each in blocks("yaml", "json", "csv") if page in {None, each.page}]
    marked = [(each.mark.partition(": "), each.text) for each in found]
    return [(file, text) for (kind, _, file), text in marked if kind in {"file", "refused"}]


def fits(shown, said):
    """Whether what a command said is what its page shows, but for what differs by machine."""
    return re.fullmatch(_pattern_of(shown.output) or ".*", plain(said), re.DOTALL) is not None


def plain(text):
    """Text without its line breaks, durations and task counts, which differ by machine."""
    for pattern, same in MACHINE_DEPENDENT:
        text = re.sub(pattern, same, text)
    return " ".join(text.split())


def _pattern_of(output):
    """Shown output as a regular expression: three dots stand for anything."""
    return ".*".join(re.escape(part) for part in re.split(r"\.\.\.", plain(output)))
