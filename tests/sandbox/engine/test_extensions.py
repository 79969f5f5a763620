"""External extensions in layers, through the Extensions API."""

from __future__ import annotations

import time

from lambdalab.sandbox import events as ev
from tests.sandbox.engine.conftest import Laboratory

EXTENSION = """\
#!/usr/bin/env python3
import json, os, pathlib, signal, sys, time, urllib.request
base = f"http://{{os.environ['AWS_LAMBDA_RUNTIME_API']}}/2020-01-01/extension/"
name = pathlib.Path(__file__).name
request = urllib.request.Request(
    base + "register", json.dumps({{"events": ["INVOKE", "SHUTDOWN"]}}).encode(),
    {{"Lambda-Extension-Name": name}})
with urllib.request.urlopen(request) as answer:
    me = answer.headers["Lambda-Extension-Identifier"]
    print("registered for", json.load(answer)["functionName"], flush=True)
while True:
    request = urllib.request.Request(
        base + "event/next", headers={{"Lambda-Extension-Identifier": me}})
    with urllib.request.urlopen(request) as answer:
        event = json.load(answer)
    print("extension got", event["eventType"], event.get("shutdownReason", ""), flush=True)
    {after}
    if event["eventType"] == "SHUTDOWN":
        break
"""

HANDLER = """
import signal, sys, time
def bye(*_):
    print("runtime got SIGTERM", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, bye)
def handler(event, context):
    time.sleep(event or 0)
    return 1
"""


def _layer(after: str = "pass") -> dict[str, str]:
    return {"extensions/watcher": EXTENSION.format(after=after)}


def test_extension_registers_is_told_and_is_shut_down(lab: Laboratory) -> None:
    function = lab.function(HANDLER, layer=_layer())
    assert lab.call(function) == 1
    (registered,) = lab.recorded(ev.ExtensionRegistered)
    assert registered.extension == "watcher" and not registered.internal
    assert registered.events == ("INVOKE", "SHUTDOWN")
    lab.executor.shutdown_idle()
    lines = lab.sink.lines
    wanted = [
        f"registered for {function.name}",
        "extension got INVOKE ",
        "runtime got SIGTERM",
        "extension got SHUTDOWN spindown",
    ]
    assert set(wanted) <= set(lines), lines
    positions = [lines.index(line) for line in wanted]
    assert positions == sorted(positions), "runtime first, then the extension"
    assert any(line.startswith("EXTENSION\tName: watcher") for line in lines)
    assert not lab.executor.environments()


def test_extension_that_ignores_shutdown_is_killed_after_two_seconds(lab: Laboratory) -> None:
    after = "time.sleep(60 if event['eventType'] == 'SHUTDOWN' else 0)"
    function = lab.function(HANDLER, layer=_layer(after))
    lab.invoke(function)
    begun = time.monotonic()
    lab.executor.shutdown_idle()
    assert 1.9 <= time.monotonic() - begun < 6


def test_without_extensions_there_is_no_sigterm(lab: Laboratory) -> None:
    function = lab.function(HANDLER)
    lab.invoke(function)
    begun = time.monotonic()
    lab.executor.shutdown_idle()
    assert time.monotonic() - begun < 2
    assert "runtime got SIGTERM" not in lab.sink.lines


def test_timeout_tells_the_extension_why(lab: Laboratory) -> None:
    function = lab.function(HANDLER, layer=_layer(), timeout_s=1)
    result = lab.invoke(function, 30)
    assert b"Sandbox.Timedout" in result.payload
    assert "extension got SHUTDOWN timeout" in lab.sink.lines
    assert lab.call(function) == 1, "extension and runtime init again"
    assert len(lab.recorded(ev.ExtensionRegistered)) == 2


def test_environment_is_busy_until_its_extensions_are_done(lab: Laboratory) -> None:
    after = "time.sleep(0.3 if event['eventType'] == 'INVOKE' else 0)"
    function = lab.function(HANDLER, layer=_layer(after))
    lab.invoke(function)
    (finished,) = lab.recorded(ev.InvokeFinished)
    assert finished.duration_ms >= 300


def test_crashed_extension_fails_init(lab: Laboratory) -> None:
    function = lab.function(HANDLER, layer={"extensions/broken": "#!/bin/sh\nexit 4\n"})
    error = lab.call(function)
    assert error["errorType"] == "Extension.InitError"
    assert "exit status 4" in error["errorMessage"]


def test_extension_that_dies_during_an_invoke(lab: Laboratory) -> None:
    after = "os._exit(5)"
    function = lab.function(HANDLER, layer=_layer(after))
    error = lab.call(function, 1)
    assert error["errorType"] == "Extension.Crash"
    assert "exit status 5" in error["errorMessage"]


def test_internal_extension_gets_invokes_and_may_not_ask_for_shutdown(lab: Laboratory) -> None:
    function = lab.function(
        """
        import json, os, threading, urllib.error, urllib.request
        base = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2020-01-01/extension/"
        seen = []
        def register(events):
            request = urllib.request.Request(
                base + "register", json.dumps({"events": events}).encode(),
                {"Lambda-Extension-Name": "inside"})
            return urllib.request.urlopen(request).headers["Lambda-Extension-Identifier"]
        try:
            register(["SHUTDOWN"])
        except urllib.error.HTTPError as error:
            seen.append(json.load(error)["errorType"])
        me = register(["INVOKE"])
        def listen():
            while True:
                request = urllib.request.Request(
                    base + "event/next", headers={"Lambda-Extension-Identifier": me})
                with urllib.request.urlopen(request) as answer:
                    seen.append(json.load(answer)["eventType"])
        threading.Thread(target=listen, daemon=True).start()
        def handler(event, context):
            return seen
        """
    )
    lab.call(function)
    assert lab.call(function)[:2] == ["Extension.InvalidEventType", "INVOKE"]
    (registered,) = lab.recorded(ev.ExtensionRegistered)
    assert registered.internal
