"""Training: one trial, from its parameters to a fitted pipeline and its figures."""
