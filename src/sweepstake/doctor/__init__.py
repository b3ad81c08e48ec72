"""The doctor: looks at a deployment from where it runs, and says of each fault what to fix.

Every check is made whatever the others find, except those of a server that does not answer.
"""

from __future__ import annotations

from sweepstake.doctor.examination import examine
from sweepstake.doctor.finding import Finding

__all__ = ["Finding", "examine"]
