"""The rulebook: what AWS documents, as constants and pure functions that cite their page.

No I/O, no clock, no import from the rest of the package.
"""
