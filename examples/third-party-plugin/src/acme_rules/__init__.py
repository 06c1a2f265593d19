"""A complete dc43 plugin as another team would write it."""
