"""Delta tables as sinks of dc43's streams, through delta-rs."""
