"""Parsed data is shared by sessions that come later, and never covers a function's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.session
import pytest

from lambdalab.sandbox.engine import servicedata


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Share, and return the list to which every file parsed from now on is added."""
    monkeypatch.setattr(botocore.session, "create_loader", botocore.loaders.create_loader)
    servicedata.share()
    names: list[str] = []
    original = botocore.loaders.JSONFileLoader.load_file

    def load_file(self: Any, file_path: str) -> Any:
        names.append(Path(file_path).name)
        return original(self, file_path)

    monkeypatch.setattr(botocore.loaders.JSONFileLoader, "load_file", load_file)
    return names


def client(service: str) -> Any:
    session = botocore.session.Session()
    return session.create_client(
        service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )


def test_a_known_service_parses_neither_endpoints_nor_model(parsed: list[str]) -> None:
    assert client("sqs").meta.region_name == "eu-west-1"
    assert not {"endpoints", "service-2", "endpoint-rule-set-1"} & set(parsed)


def test_another_service_parses_its_model_alone(parsed: list[str]) -> None:
    assert "GetParameter" in client("ssm").meta.service_model.operation_names
    assert parsed.count("service-2") == 1
    assert "endpoints" not in parsed


def test_data_of_the_functions_own_is_found(
    parsed: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ours" / "2020-01-01").mkdir(parents=True)
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    loader = botocore.session.Session().get_component("data_loader")
    (tmp_path / "ours" / "2020-01-01" / "service-2.json").write_text("{}")
    assert "ours" in loader.list_available_services("service-2")
    loader.load_data("endpoints")
    assert "endpoints" in parsed
