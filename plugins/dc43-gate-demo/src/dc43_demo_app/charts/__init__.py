"""From batches to what a chart draws: columns, panels, sentences, tables."""
