"""Learn AWS Lambda by running it: a rulebook, a sandbox and a course, all on one machine.

Importing this package imports nothing heavy; each part is imported by name
(``lambdalab.rules``, ``lambdalab.sandbox``, ``lambdalab.course`` …).
"""

# This file has to be understood by a Python that is too old for the rest.

import sys

__all__ = ["__version__"]

__version__ = "0.1.0"

_OLDEST = (3, 11)

if sys.version_info < _OLDEST:  # pip looks at it; a clone on the path does not
    _HERE = f"{sys.version_info[0]}.{sys.version_info[1]} ({sys.executable})"
    _TEXT = (
        f"lambdalab needs Python 3.11 or newer, and this is Python {_HERE}.\n"
        "Run it with a newer one, such as python3.11, or install one.\n"
        "lambdalab 需要 Python 3.11 以上的版本，請改用較新的 Python。"
    )
    if sys.argv[:1] == ["-m"]:  # python -m lambdalab: no traceback for a person
        sys.exit(_TEXT)
    raise ImportError(_TEXT)
