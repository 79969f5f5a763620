"""Event source mappings: who polls a queue or a stream for a function, and when."""
