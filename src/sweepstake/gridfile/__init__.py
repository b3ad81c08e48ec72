"""Grid files: from bytes to a frozen spec and its search space, or every mistake at once."""
