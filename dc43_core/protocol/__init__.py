"""Stage 5: a decision becomes rows landed, rows rejected, or nothing; exactly once.

The protocol knows no engine. It drives a `Stager` that an engine supplies, `Sink`s that make
staged files visible, and a `FileStore` that keeps what must survive a crash.
"""
