"""Wording: near misses, notation and Markdown of what people are told."""
