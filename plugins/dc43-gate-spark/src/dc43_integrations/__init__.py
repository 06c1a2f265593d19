"""Spark under data contracts: batch and streaming IO, see `dc43_integrations.spark.io`."""

from dc43_core.interventions.interface import InterventionStrategy

StreamingInterventionStrategy = InterventionStrategy
"""The name of the one protocol where streams are meant."""

__all__ = ["InterventionStrategy", "StreamingInterventionStrategy"]
