"""Strategies that route violating rows, and what they need to be replayed."""
