"""Turning a function version into the processes of an environment: variables, folders, programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lambdalab.rules.lifecycle import Initialization
from lambdalab.sandbox.engine.spec import (
    PLACE_LAYERS,
    PLACE_RUNTIME,
    PLACE_TASK,
    PLACE_TMP,
    ProcessSpec,
)
from lambdalab.sandbox.model import FunctionVersion, UnsupportedRuntimeError

__all__ = ["ProcessPlan", "merge_layers", "runtime_kind"]


def runtime_kind(runtime: str) -> str:
    """Return how a runtime is run here: ``python`` or ``exec``.

    Raises
    ------
    UnsupportedRuntimeError
        Neither.
    """
    if runtime.startswith("python3"):
        return "python"
    if runtime.startswith("provided"):
        return "exec"
    raise UnsupportedRuntimeError(
        f"the runtime {runtime!r} does not run in the sandbox: use python3.x (runs on this "
        f"machine's Python) or provided.al2023 with an executable named bootstrap"
    )


def merge_layers(layers: tuple[Path, ...], folder: Path) -> Path:
    """Return one folder that holds all layers, a later one covering an earlier one.

    A single layer is used as it is; several are joined by hard links below ``folder``.
    """
    if len(layers) == 1:
        return layers[0]
    target = folder / ("-".join(layer.name[:12] for layer in layers) or "none")
    if target.is_dir():
        return target
    fresh = target.with_name(f"{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
    fresh.mkdir(parents=True)
    for layer in layers:
        for path in sorted(layer.rglob("*")):
            place = fresh / path.relative_to(layer)
            if path.is_dir():
                place.mkdir(exist_ok=True)
                continue
            place.unlink(missing_ok=True)
            os.link(path, place, follow_symlinks=False)
    try:
        fresh.rename(target)
    except OSError:  # another environment was first
        if not target.is_dir():
            raise
    return target


class ProcessPlan:
    """The process specifications of one environment.

    Parameters
    ----------
    function
        What runs.
    environment
        Id of the environment.
    log_stream
        Name of its log stream.
    folder
        Folder of the engine; the environment's ``/tmp`` lies below it.
    endpoint_url
        Where AWS calls of the handler go: the sandbox.
    client
        ``awslambdaric`` or ``python``.
    initialization
        On-demand, or ahead of requests.
    """

    def __init__(
        self,
        function: FunctionVersion,
        *,
        environment: str,
        log_stream: str,
        folder: Path,
        endpoint_url: str,
        client: str,
        initialization: Initialization = Initialization.ON_DEMAND,
    ) -> None:
        self._function = function
        self._initialization = initialization
        self._environment = environment
        self._log_stream = log_stream
        self._layers = merge_layers(function.layers, folder / "layers")
        self._temporary = folder / "environments" / environment / "tmp"
        self._endpoint_url = endpoint_url
        self._client = client
        self.kind = runtime_kind(function.runtime)
        extensions = self._layers / "extensions"
        self.extensions: tuple[str, ...] = (
            tuple(sorted(path.name for path in extensions.iterdir() if path.is_file()))
            if extensions.is_dir()
            else ()
        )

    def runtime(self, address: str) -> ProcessSpec:
        """Return the order for the runtime process; ``address`` is that of the Runtime API."""
        variables = self._variables(address)
        variables["_HANDLER"] = self._function.handler
        program = (f"{PLACE_TASK}/bootstrap", f"{PLACE_LAYERS}/bootstrap")
        return self._spec(self.kind, program if self.kind == "exec" else (), variables)

    def extension(self, name: str, address: str) -> ProcessSpec:
        """Return the order for an external extension."""
        return self._spec("exec", (f"{PLACE_LAYERS}/extensions/{name}",), self._variables(address))

    def _spec(self, kind: str, program: tuple[str, ...], variables: dict[str, str]) -> ProcessSpec:
        function = self._function
        return ProcessSpec(
            environment=self._environment,
            kind=kind,
            program=program,
            variables=variables,
            code=str(function.code),
            layers=str(self._layers),
            temporary=str(self._temporary),
            ephemeral_mb=function.ephemeral_mb,
            client=self._client,
            poll_in_thread=bool(self.extensions),
        )

    def _variables(self, address: str) -> dict[str, str]:
        """Return the documented variables (dg/configuration-envvars) over the function's own."""
        function = self._function
        interpreter = Path(getattr(sys, "_base_executable", sys.executable)).parent
        variables = dict(function.environment)
        variables.update(
            {
                "AWS_ACCESS_KEY_ID": function.access_key,
                "AWS_SECRET_ACCESS_KEY": function.secret_key,
                "AWS_REGION": function.region,
                "AWS_DEFAULT_REGION": function.region,
                "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
                "AWS_LAMBDA_FUNCTION_NAME": function.name,
                "AWS_LAMBDA_FUNCTION_VERSION": function.version,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
                "AWS_LAMBDA_INITIALIZATION_TYPE": self._initialization.value,
                "AWS_LAMBDA_LOG_GROUP_NAME": function.logging.log_group,
                "AWS_LAMBDA_LOG_STREAM_NAME": self._log_stream,
                "AWS_LAMBDA_RUNTIME_API": address,
                "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
                "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
                "LAMBDA_TASK_ROOT": PLACE_TASK,
                "LAMBDA_RUNTIME_DIR": PLACE_RUNTIME,
                "TZ": ":UTC",
                "LANG": "en_US.UTF-8",
                # Fake by design, and nothing of the learner's own is ever read.
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_ENDPOINT_URL": self._endpoint_url,
                "NO_PROXY": "127.0.0.1,localhost",
                "TMPDIR": PLACE_TMP,
            }
        )
        defaults = {
            "PATH": f"{interpreter}:/usr/local/bin:/usr/bin:/bin:{PLACE_LAYERS}/bin",
            "LD_LIBRARY_PATH": f"{PLACE_TASK}:{PLACE_TASK}/lib:{PLACE_LAYERS}/lib",
            "PYTHONPATH": PLACE_RUNTIME,
        }
        for name, value in defaults.items():
            variables.setdefault(name, value)
        if function.session_token:
            variables["AWS_SESSION_TOKEN"] = function.session_token
        if function.logging.log_format == "JSON":
            variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
            variables["AWS_LAMBDA_LOG_LEVEL"] = function.logging.application_log_level or "INFO"
        return variables
