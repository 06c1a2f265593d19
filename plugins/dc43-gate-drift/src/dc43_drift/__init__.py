"""Drift policies: what a changed schema does to a batch."""
