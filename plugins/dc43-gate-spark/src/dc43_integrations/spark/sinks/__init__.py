"""Destinations of streaming writes: what a sink of Spark's is, and the one that is built in."""
