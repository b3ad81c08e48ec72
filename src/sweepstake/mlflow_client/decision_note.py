"""What a sweep's note says about its decision: the paragraph after the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweepstake.domain.tags import Tag
from sweepstake.wording.markup import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK = "**Decision: "
"""How the paragraph begins; no text of a user can, as each is escaped."""


def with_decision(note: str, tags: Mapping[str, str]) -> str:
    """A note with what the tags of its run say was decided, in the place of what was there."""
    verdict, reason = tags.get(Tag.DECISION, ""), escaped(tags.get(Tag.REASON, ""))
    told = f"{MARK}{verdict}.** {reason}" if verdict else f"{MARK}none yet.**"
    parts = [part for part in note.split("\n\n") if not part.startswith(MARK)]
    return "\n\n".join([*parts[:1], told, *parts[1:]])
