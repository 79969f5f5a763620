"""One module per command of ``lambdalab``."""
