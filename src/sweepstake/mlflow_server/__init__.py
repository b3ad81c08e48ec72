"""MLflow as a server: its app with routes that take many runs or tags at once."""
