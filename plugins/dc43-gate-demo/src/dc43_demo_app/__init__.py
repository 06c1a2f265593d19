"""Pages of dc43, and scenarios over real flights to see them with."""
