"""Learn AWS Lambda by running it: a rulebook, a sandbox and a course, all on one machine.

Importing this package imports nothing heavy; each part is imported by name
(``lambdalab.rules``, ``lambdalab.sandbox``, ``lambdalab.course`` …).
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
