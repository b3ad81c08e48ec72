"""Processes: forks that are watched, and that end with whoever started them."""
