"""AWS's own runtime client, started inside a fork."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

__all__ = ["run"]

_LOOK_S = 0.05


class _PollingPool(ThreadPoolExecutor):
    """Waits for its thread in small steps.

    Python runs signal handlers in the main thread alone. One that waits for a lock
    without a limit sleeps through a signal which another thread took, or which came
    just before the wait: both happen to a process that was frozen there.
    """

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=cancel_futures)
        for thread in self._threads if wait else ():
            while thread.is_alive():
                thread.join(_LOOK_S)


def run(handler: str, address: str, poll_in_thread: bool) -> None:
    """Serve ``handler`` until the process is told to end.

    Parameters
    ----------
    handler
        ``module.function``.
    address
        ``host:port`` of the Runtime API.
    poll_in_thread
        Await ``next`` in a thread, so that Python sees signals meanwhile.
    """
    import runtime_client
    from awslambdaric import bootstrap, lambda_runtime_client
    from awslambdaric import lambda_runtime_log_utils as log_utils

    if lambda_runtime_client.runtime_client is None:  # preloaded without it
        runtime_client.initialize_client(lambda_runtime_client._user_agent())
        lambda_runtime_client.runtime_client = runtime_client
    # The module read both variables when the zygote imported it.
    bootstrap._AWS_LAMBDA_LOG_FORMAT = log_utils.LogFormat.from_str(
        os.environ.get("AWS_LAMBDA_LOG_FORMAT")
    )
    bootstrap._AWS_LAMBDA_LOG_LEVEL = log_utils._get_log_level_from_env_var(
        os.environ.get("AWS_LAMBDA_LOG_LEVEL")
    )
    sys.modules["__main__"].__dict__.pop("__file__", None)
    client = lambda_runtime_client.LambdaRuntimeClient(address, poll_in_thread)
    client.ThreadPoolExecutor = _PollingPool
    bootstrap.run(handler, client)
