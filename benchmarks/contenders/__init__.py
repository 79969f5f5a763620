"""Those that run functions, behind one face."""

from __future__ import annotations

from benchmarks.contenders.base import Contender
from benchmarks.contenders.lambdalab import Lambdalab
from benchmarks.contenders.ministack import Ministack
from benchmarks.contenders.serverless_offline import ServerlessOffline

__all__ = ["CONTENDERS", "OURS", "Contender", "Ministack", "ServerlessOffline"]

OURS = Lambdalab.name

CONTENDERS: dict[str, type[Contender]] = {
    kind.name: kind for kind in (Lambdalab, Ministack, ServerlessOffline)
}
