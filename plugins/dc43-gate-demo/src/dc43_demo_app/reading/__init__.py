"""What pages read: records, runs, rejects and contracts, never an engine."""
