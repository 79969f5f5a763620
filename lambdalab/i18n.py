"""Messages in both languages, and which of the two the person in front of us reads.

Every part keeps its messages in ``locale/<language>/<part>.toml``; both languages
have the same keys and the same ``{placeholders}`` (a test compares them).
"""

from __future__ import annotations

import contextlib
import locale
import os
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Literal, cast, get_args

Language = Literal["zh-TW", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

__all__ = ["LANGUAGES", "Language", "as_language", "language", "message", "messages"]


def as_language(name: str) -> Language:
    """Return ``name`` as one of the two languages.

    Raises
    ------
    ValueError
        The course does not exist in that language.
    """
    for known in LANGUAGES:
        if name.replace("_", "-").lower() == known.lower():
            return known
    raise ValueError(f"no course language {name!r}: choose one of {', '.join(LANGUAGES)}")


def _from_path(path: str) -> Language | None:
    """Tell the language by a ``zh-TW`` or ``en`` folder on the way to a notebook."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    for part in reversed(parts):
        if part in LANGUAGES:
            return part
    return None


def language() -> Language:
    """Return the language to answer in.

    The folder of the running notebook decides (``lessons/zh-TW/…``), because the
    code cells of both languages are the same; then ``LAMBDALAB_LANG``, if it names one
    of the two (``lambdalab doctor`` tells if not); then the system's locale.
    """
    for notebook in (os.environ.get("JPY_SESSION_NAME"), os.environ.get("PWD"), _cwd()):
        found = _from_path(notebook) if notebook else None
        if found:
            return found
    with contextlib.suppress(ValueError):
        return as_language(os.environ.get("LAMBDALAB_LANG", ""))
    system = os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
    return "zh-TW" if system.lower().startswith("zh") else "en"


def _cwd() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:  # the folder was deleted under us
        return None


@cache
def messages(part: str, lang: Language) -> Mapping[str, str]:
    """Return every message of one part in one language, nested keys joined by dots."""
    file = resources.files("lambdalab") / "locale" / lang / f"{part}.toml"
    flat: dict[str, str] = {}

    def walk(prefix: str, table: Mapping[str, object]) -> None:
        for key, value in table.items():
            name = f"{prefix}{key}"
            if isinstance(value, dict):
                walk(f"{name}.", cast(Mapping[str, object], value))
            else:
                flat[name] = str(value)

    walk("", tomllib.loads(file.read_text(encoding="utf-8")))
    return flat


def message(key: str, lang: Language | None = None, /, **values: object) -> str:
    """Return the message ``part.key`` with its placeholders filled.

    >>> message("sandbox.name", "en")
    'sandbox'
    """
    part, _, name = key.partition(".")
    return messages(part, lang or language())[name].format(**values)
