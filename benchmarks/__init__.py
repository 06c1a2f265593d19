"""What governing a stream costs, side by side with what it costs not to."""
