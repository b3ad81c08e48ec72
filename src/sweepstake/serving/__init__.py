"""Serving: the champion's answers, over HTTP and for files."""
