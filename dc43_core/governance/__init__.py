"""Stage 6: everything above becomes records that outlive the run."""
