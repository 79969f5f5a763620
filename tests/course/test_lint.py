from __future__ import annotations

from pathlib import Path

import pytest

from lambdalab.course import lint


@pytest.fixture
def locale(tmp_path: Path) -> Path:
    folder = tmp_path / "locale"
    for lang in ("zh-TW", "en"):
        (folder / lang).mkdir(parents=True)
    write(folder, 'a = "調用 {count} 次"\n[b]\nc = "好"', 'a = "{count} invokes"\n[b]\nc = "Good"')
    return folder


def write(folder: Path, chinese: str, english: str) -> None:
    (folder / "zh-TW/part.toml").write_text(chinese, encoding="utf-8")
    (folder / "en/part.toml").write_text(english, encoding="utf-8")


def told(folder: Path) -> str:
    return "\n".join(map(str, lint.lint_locale(folder)))


def test_messages_that_agree(locale: Path) -> None:
    assert told(locale) == ""


@pytest.mark.parametrize(
    ("chinese", "english", "words"),
    [
        ('a = "好"', "", 'en/part.toml: no message "a", which'),
        ("", 'a = "Good"', 'zh-TW/part.toml: no message "a", which'),
        ('a = "{n} 次"', 'a = "{count} times"', "placeholders"),
        ('a = "函数"', 'a = "A function"', "Traditional"),
        ('a = "函式"', 'a = "A function"', "write 函數"),
        ('a = "用Lambda 做"', 'a = "By Lambda"', "space between"),
        ('a = "好！"', 'a = "Good"', "exclamation"),
        ('a = "好"', 'a = "Good!"', "exclamation"),
        ('a = "好"', 'a = "好"', "English text holds Chinese"),
        ('a = "好', 'a = "Good"', "is not TOML"),
        ('a = "好"', 'a = {b = "Good"}', "no message"),
    ],
)
def test_messages_that_do_not(locale: Path, chinese: str, english: str, words: str) -> None:
    write(locale, chinese, english)
    assert words in told(locale)


@pytest.mark.parametrize(
    "chinese", ["請用 Sandbox.start() 啟動", '`ask(\\"{name}\\")` 可以', "執行 check()。"]
)
def test_a_call_is_code(locale: Path, chinese: str) -> None:
    write(locale, f'a = "{chinese}"', f'a = "{"{name}" if "name" in chinese else "x"}"')
    assert told(locale) == ""


def test_a_part_in_one_language_only(locale: Path) -> None:
    (locale / "en/part.toml").unlink()
    assert "cannot be read" in told(locale)


def texts(tmp_path: Path, toml: str) -> str:
    path = tmp_path / "lab.toml"
    path.write_text(toml, encoding="utf-8")
    return "\n".join(map(str, lint.lint_toml(path)))


def test_texts_of_a_toml_file(tmp_path: Path) -> None:
    good = '[[task]]\nid = "t"\ntitle.zh-TW = "數 3 次"\ntitle.en = "Count 3"\n'
    good += 'hints.zh-TW = ["看日誌", "看 `REPORT`"]\nhints.en = ["See the log", "See `REPORT`"]\n'
    assert texts(tmp_path, good) == ""
    for old, new, words in (
        ('title.en = "Count 3"\n', "", "t.title: no en text"),
        ("Count 3", "Count 4", "lab.toml:3: task t.title: numbers only in zh-TW: 3"),
        ('"See `REPORT`"', '"See START"', "task t.hints: inline code only in zh-TW"),
        (', "See `REPORT`"', "", "not as many texts"),
        ('"See the log", ', "1, ", "is not text"),
        ("看日誌", "看日志", "write 日誌"),
        ("Count 3", "Count 三 3", "holds Chinese"),
        ("[[task]]", "[[task", "is not TOML"),
    ):
        assert old in good
        assert words in texts(tmp_path, good.replace(old, new, 1)), words
