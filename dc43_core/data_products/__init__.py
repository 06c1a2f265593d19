"""Data products: ports that are bound to contracts."""
