"""``python -m lambdalab`` is the command ``lambdalab``."""

import sys

from lambdalab.cli import main

sys.exit(main())
