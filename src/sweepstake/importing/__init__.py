"""Importing: files of other tools, read as data and written as grid files."""
