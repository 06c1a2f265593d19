"""Spark's side of dc43; the public helpers are in `dc43_integrations.spark.io`."""
