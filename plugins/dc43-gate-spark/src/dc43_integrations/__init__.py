"""Spark for dc43: reads and writes under a contract. Importing this imports no Spark."""
