"""Strategies that block a stream when bad batches, or broken rows, add up."""
