from __future__ import annotations

from pathlib import Path

import pytest

from lambdalab import i18n


@pytest.mark.parametrize(
    ("name", "lang"),
    [("zh-TW", "zh-TW"), ("zh_tw", "zh-TW"), ("ZH-tw", "zh-TW"), ("en", "en"), ("EN", "en")],
)
def test_a_language_by_name(name: str, lang: str) -> None:
    assert i18n.as_language(name) == lang


@pytest.mark.parametrize("name", ["", "zh", "zh-CN", "english", "fr"])
def test_what_is_no_language_names_those_there_are(name: str) -> None:
    with pytest.raises(ValueError, match="zh-TW, en"):
        i18n.as_language(name)


def system(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setenv("LANG", value)


def test_the_notebooks_folder_decides_first(
    clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/course/lessons/zh-TW/01_lifecycle.ipynb")
    assert i18n.language() == "zh-TW"
    monkeypatch.setenv("JPY_SESSION_NAME", "C:\\course\\lessons\\zh-TW\\01.ipynb")
    assert i18n.language() == "zh-TW"
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/zh-TW/course/lessons/en/01.ipynb")
    assert i18n.language() == "en"  # the innermost folder


def test_the_current_folder_comes_next(
    clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = clean_environment / "labs" / "zh-TW"
    place.mkdir(parents=True)
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    monkeypatch.chdir(place)
    assert i18n.language() == "zh-TW"


def test_a_folder_that_is_gone_is_no_obstacle(
    clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = clean_environment / "gone"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.delenv("PWD")
    place.rmdir()
    assert i18n.language() == "en"


@pytest.mark.parametrize(
    ("locale", "lang"),
    [("zh_TW.UTF-8", "zh-TW"), ("zh_HK", "zh-TW"), ("en_GB.UTF-8", "en"), ("C", "en")],
)
def test_then_the_variable_then_the_system(
    clean_environment: Path, monkeypatch: pytest.MonkeyPatch, locale: str, lang: str
) -> None:
    system(monkeypatch, locale)
    for other in i18n.LANGUAGES:
        monkeypatch.setenv("LAMBDALAB_LANG", other)
        assert i18n.language() == other
    for nothing in ("", "fr"):
        monkeypatch.setenv("LAMBDALAB_LANG", nothing)
        assert i18n.language() == lang


def test_a_message_and_its_placeholders() -> None:
    assert i18n.message("sandbox.name", "en") == "sandbox"
    told = i18n.message("workspace.refuse.file", "zh-TW", path="/x")
    assert told.startswith("/x 是檔案")
    with pytest.raises(KeyError):
        i18n.message("sandbox.no_such_thing", "en")
    with pytest.raises(KeyError):
        i18n.message("workspace.refuse.file", "en")
