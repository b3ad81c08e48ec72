"""Preflight: what can go wrong with a sweep, looked for before anything trains."""
