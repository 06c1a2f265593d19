"""Three streams over real flights, to watch."""
