"""Rolecall: who can do what, on what, by which path, and since when."""
