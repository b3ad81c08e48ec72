"""Data: from a source to checked rows, their split, and the files that workers map."""
