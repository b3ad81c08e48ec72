"""Intake: from files in the watched folder to sweeps that should exist."""
