"""Notes the objects that the sandbox itself puts into S3: on-failure records come by no request."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from flask import has_request_context
from moto.s3 import models

from lambdalab.sandbox.durability.drawing import drawn_from
from lambdalab.sandbox.keepers import Keepers, Value
from lambdalab.sandbox.untyped import Untyped

__all__ = ["KeptObjects"]

_plain_put = models.S3Backend.put_object


class KeptObjects:
    """Puts itself between S3 and whoever puts an object outside of a request.

    Parameters
    ----------
    keepers
        Writes the facts down. The objects are in moto's own state.
    """

    def __init__(self, keepers: Keepers) -> None:
        note = keepers.register("objects", dict, lambda _: None, self._replay)

        def put_object(
            backend: Untyped,
            bucket_name: str,
            key_name: str,
            value: bytes,
            *arguments: Untyped,
            **options: Untyped,
        ) -> Untyped:
            if arguments or options or has_request_context():  # a request is in the journal
                return _plain_put(backend, bucket_name, key_name, value, *arguments, **options)
            seed = secrets.randbits(62)
            with drawn_from(seed):
                made = _plain_put(backend, bucket_name, key_name, value)
            where = [backend.account_id, backend.region_name, bucket_name, key_name]
            note([*where, base64.b64encode(value).decode(), seed])
            return made

        models.S3Backend.put_object = put_object

    @staticmethod
    def _replay(fact: Value) -> None:
        account, partition, bucket, key, value, seed = fact
        backend: Any = models.s3_backends[account][partition]
        if bucket in backend.buckets:
            with drawn_from(seed):
                _plain_put(backend, bucket, key, base64.b64decode(value))
