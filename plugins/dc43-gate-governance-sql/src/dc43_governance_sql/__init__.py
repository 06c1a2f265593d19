"""Governance records in SQL: SQLite embedded, PostgreSQL for teams."""
