"""Champions: which version is in service, who decided it, and who is told."""
