"""What a handler does with ``/tmp`` and a KMS key: filled, kept, gone, encrypted."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from lambdalab.packaging import deployment_package
from lambdalab.sandbox import Sandbox
from tests.conftest import Functions

FILL = """
import errno, os
MB = 1024 * 1024
def handler(event, context):
    if event == "look":
        return sorted(os.listdir("/tmp"))
    written = 0
    try:
        with open("/tmp/block", "wb") as file:
            while written < event:
                file.write(bytes(MB))
                file.flush()
                written += 1
    except OSError as error:
        return [written, errno.errorcode[error.errno]]
    return [written, None]
"""
ENCRYPT = """
import base64, pathlib
import boto3
from cryptography.fernet import Fernet

def handler(event, context):
    kms = boto3.client("kms")
    place = pathlib.Path("/tmp/secret")
    if event["do"] == "write":
        key = kms.generate_data_key(KeyId=event["key"], KeySpec="AES_256")
        lock = Fernet(base64.urlsafe_b64encode(key["Plaintext"]))
        place.write_bytes(lock.encrypt(event["text"].encode()))
        pathlib.Path("/tmp/secret.key").write_bytes(key["CiphertextBlob"])
        return place.read_bytes().decode()
    blob = pathlib.Path("/tmp/secret.key").read_bytes()
    key = kms.decrypt(CiphertextBlob=blob)["Plaintext"]
    return Fernet(base64.urlsafe_b64encode(key)).decrypt(place.read_bytes()).decode()
"""


def private(sandbox: Sandbox) -> bool:
    """Tell whether each environment has a ``/tmp`` of its own and a size for it."""
    return "shared /tmp" not in sandbox.status()["isolation"]


def test_tmp_is_512_mb_and_full_is_full(sandbox: Sandbox, functions: Functions) -> None:
    made = functions.create("f", FILL, Timeout=60, MemorySize=1024)
    assert made["EphemeralStorage"] == {"Size": 512}
    written, error = functions.call("f", 600 if private(sandbox) else 10)
    if private(sandbox):
        assert error == "ENOSPC"
        assert 500 <= written <= 512
    else:
        assert (written, error) == (10, None)


def test_tmp_lives_as_long_as_its_environment(sandbox: Sandbox, functions: Functions) -> None:
    functions.create("f", FILL)
    assert functions.call("f", "look") == []
    assert functions.call("f", 1) == [1, None]
    assert functions.call("f", "look") == ["block"]  # a warm start
    assert sandbox.shutdown_idle("f") == 1
    assert functions.call("f", "look") == []


def installed(*names: str) -> dict[str, bytes]:
    """Return the files of installed distributions, laid out as a Python layer."""
    files: dict[str, bytes] = {}
    for name in names:
        for file in distribution(name).files or ():
            path = Path(str(file.locate()))
            if ".." not in file.parts and "__pycache__" not in file.parts and path.is_file():
                files[f"python/{file}"] = path.read_bytes()
    return files


def test_file_encrypted_with_a_data_key(functions: Functions, clients: Callable[..., Any]) -> None:
    key = clients("kms").create_key()["KeyMetadata"]["KeyId"]
    # The managed runtime brings boto3 alone: cryptography comes in a layer, as on AWS.
    layer = functions.client.publish_layer_version(
        LayerName="cryptography",
        Content={"ZipFile": deployment_package(installed("cryptography", "cffi", "pycparser"))},
    )
    functions.create("f", ENCRYPT, Timeout=20, Layers=[layer["LayerVersionArn"]])
    text = "only for me"
    stored = functions.call("f", {"do": "write", "key": key, "text": text})
    assert isinstance(stored, str), stored
    assert text not in stored
    assert functions.call("f", {"do": "read"}) == text
