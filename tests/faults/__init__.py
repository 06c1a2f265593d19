"""Faults on purpose: what is broken at every step, and the figures of what came through."""
