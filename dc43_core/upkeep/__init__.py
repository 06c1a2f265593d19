"""Looking after what streams leave behind: what is wrong, what can go, what has to."""
