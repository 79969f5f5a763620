"""The control calls under ``/_lambdalab/``: looking, settings, reset, save, load, stop."""

from __future__ import annotations

import contextlib
import dataclasses
import hmac
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from lambdalab.errors import LambdalabError
from lambdalab.i18n import message
from lambdalab.sandbox.events import event_to_json
from lambdalab.sandbox.lambda_service.http_invoke import Answer

if TYPE_CHECKING:
    from lambdalab.sandbox.core import Core

__all__ = ["Control"]

_WAIT_MAX_S = 30.0
_LIMIT_MAX = 100_000
_PROMPT_S = 1.0
"""How long the answer to a jump or an advance may wait for its end."""


class Control:
    """Answers control calls.

    Parameters
    ----------
    core
        The sandbox.
    token
        What a caller must show.
    """

    def __init__(self, core: Core, token: str) -> None:
        self._core = core
        self._token = token
        self._calls: dict[tuple[str, str], Callable[[dict[str, Any]], object]] = {
            ("GET", "status"): self._status,
            ("GET", "events"): self._events,
            ("POST", "settings"): self._settings,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._change_clock,
            ("POST", "reset"): self._reset,
            ("POST", "environments/shutdown"): self._shutdown,
            ("POST", "save"): self._save,
            ("POST", "load"): self._load,
            ("POST", "stop"): self._stop,
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one call; ``path`` is what follows ``/_lambdalab/``."""
        name, _, query = path.partition("?")
        if not hmac.compare_digest(
            headers.get("x-lambdalab-token", "").encode(), self._token.encode()
        ):
            return _json(403, {"error": message("sandbox.refuse.token")})
        call = self._calls.get((method, name))
        if call is None:
            return _json(404, {"error": message("sandbox.refuse.unknown", path=f"{method} {name}")})
        try:
            values: Any = json.loads(body) if body else {}
            if not isinstance(values, dict):
                raise ValueError("the body must be a JSON object")
            values |= {key: found[-1] for key, found in parse_qs(query).items()}
            return _json(200, call(values))
        except LambdalabError as error:
            return _json(409, {"error": str(error)})
        except (ValueError, KeyError, TypeError) as error:
            with contextlib.suppress(OSError):
                traceback.print_exc(file=sys.stderr)
            return _json(400, {"error": f"{name}: {error}"})
        except Exception as error:  # noqa: BLE001 - whatever fails, the caller gets an answer
            with contextlib.suppress(OSError):
                traceback.print_exc(file=sys.stderr)
            what = f"{name}: {type(error).__name__}: {error}"
            return _json(500, {"error": message("sandbox.refuse.broken", what=what)})

    def _status(self, _values: dict[str, Any]) -> object:
        return self._core.status()

    def _events(self, values: dict[str, Any]) -> object:
        after = int(values.get("after", 0))
        limit = min(max(int(values.get("limit", 10_000)), 1), _LIMIT_MAX)
        found = self._core.recorded(after, wait=_wait(values), limit=limit)
        return {
            "events": [event_to_json(event) for event in found],
            "last": self._core.events.last,
            "run": self._core.run,
        }

    def _settings(self, values: dict[str, Any]) -> object:
        return dataclasses.asdict(self._core.update_settings(**values))

    def _clock(self, values: dict[str, Any]) -> object:
        keeper = self._core.timekeeper
        number = values.get("stride")
        told = {} if number is None else keeper.ended(int(number), _wait(values))
        return keeper.look() | told

    def _change_clock(self, values: dict[str, Any]) -> object:
        keeper = self._core.timekeeper
        told: dict[str, Any] = {}
        if "paused" in values:
            if not isinstance(values["paused"], bool):
                raise ValueError("paused must be true or false")
            keeper.change(paused=values["paused"])
        if "halt" in values:
            keeper.halt(None if values["halt"] is None else int(values["halt"]))
        if values.get("jump"):
            told = keeper.ended(keeper.stride(None), _PROMPT_S)
        if "advance" in values:
            told = keeper.ended(keeper.stride(float(values["advance"])), _PROMPT_S)
        return keeper.look() | told

    def _reset(self, _values: dict[str, Any]) -> object:
        self._core.reset()
        return {}

    def _shutdown(self, values: dict[str, Any]) -> object:
        return {"count": self._core.executor.shutdown_idle(values.get("function"))}

    def _save(self, values: dict[str, Any]) -> object:
        self._core.save(Path(values["path"]))
        return {}

    def _load(self, values: dict[str, Any]) -> object:
        self._core.load(Path(values["path"]))
        return {}

    def _stop(self, _values: dict[str, Any]) -> object:
        self._core.stop()
        return {}


def _wait(values: dict[str, Any]) -> float:
    return min(max(float(values.get("wait", 0)), 0.0), _WAIT_MAX_S)


def _json(status: int, data: object) -> Answer:
    return Answer(status, (("Content-Type", "application/json"),), json.dumps(data).encode())
