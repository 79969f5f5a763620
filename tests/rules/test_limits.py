"""Quotas, held against the API model that every boto3 carries."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from lambdalab.i18n import LANGUAGES
from lambdalab.rules import limits
from lambdalab.rules.source import Fact, Source


@pytest.fixture(scope="module")
def model() -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model("lambda")


def _facts(module: Any) -> dict[str, Fact[Any]]:
    return {name: value for name, value in vars(module).items() if isinstance(value, Fact)}


def test_numbers_are_those_of_the_api_model(model: Any) -> None:
    assert model.shape_for("MemorySize").metadata["min"] == limits.MEMORY_MIN.value
    assert model.shape_for("EphemeralStorageSize").metadata["min"] == limits.EPHEMERAL_MIN.value
    # The shapes' maxima are those of functions on other machines; the text names ours.
    text = model.shape_for("CreateFunctionRequest").members["EphemeralStorage"].documentation
    assert f"between {limits.EPHEMERAL_MIN.value} and {limits.EPHEMERAL_MAX.value:,} MB" in text


def test_throttle_reasons_are_those_of_the_api_model(model: Any) -> None:
    from lambdalab.rules.errors import ThrottleReason

    assert {reason.value for reason in ThrottleReason} <= set(
        model.shape_for("ThrottleReason").enum
    )


def test_invocation_types_and_log_types_exist(model: Any) -> None:
    assert set(model.shape_for("InvocationType").enum) == {"Event", "RequestResponse", "DryRun"}
    assert "Tail" in model.shape_for("LogType").enum


@pytest.mark.parametrize("name", sorted(_facts(limits)))
def test_every_quota_has_a_page_and_a_label_in_both_languages(name: str) -> None:
    fact = _facts(limits)[name]
    assert fact.source is not None and fact.source.url.startswith("https://")
    assert set(fact.label) == set(LANGUAGES) and all(fact.label.values())
    assert fact.value > 0 and fact.text().startswith(f"{fact.value:,}")


def test_facts_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        limits.MEMORY_MIN.value = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("page", "url"),
    [
        ("dg:python-logging", "https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html"),
        (
            "botocore:Invoke",
            "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html",
        ),
        ("https://aws.amazon.com/lambda/pricing/", "https://aws.amazon.com/lambda/pricing/"),
    ],
)
def test_sources_lead_to_pages(page: str, url: str) -> None:
    assert Source(page).url == url
