"""The embedded stack: PostgreSQL, MLflow and Airflow on this machine, supervised.

``up`` starts it and returns when every component is healthy, ``down`` ends it and leaves only its
state folder, ``status`` tells how it does. All listen on 127.0.0.1 alone.
"""

from __future__ import annotations

from sweepstake.embedded.component import Component, ComponentState
from sweepstake.embedded.stack import Stack, down, is_up, status, up

__all__ = ["Component", "ComponentState", "Stack", "down", "is_up", "status", "up"]
