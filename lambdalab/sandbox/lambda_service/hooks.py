"""Where moto's objects find the running service: one per process, as moto's own state is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdalab.sandbox.lambda_service.service import LambdaService

__all__ = ["attach", "service"]

_attached: list[LambdaService] = []


def attach(running: LambdaService) -> None:
    """Make ``running`` the service that moto's objects report to."""
    _attached[:] = [running]


def service() -> LambdaService:
    """Return the running service."""
    return _attached[0]
