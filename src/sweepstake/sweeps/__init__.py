"""Sweeps: their plan, the training of their trials, their end and what is asked about them."""
