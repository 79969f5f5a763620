from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.course import glossary
from lambdalab.course.prose import CODE


@pytest.mark.parametrize("wrong", glossary.FORBIDDEN)
def test_every_refused_term_is_found_with_its_replacement(wrong: str) -> None:
    told = list(glossary.terms(f"這裡的{wrong}很多"))
    assert any(f'"{wrong}": write {glossary.FORBIDDEN[wrong]}' in one for one in told)


@pytest.mark.parametrize("right", sorted(set(glossary.FORBIDDEN.values())))
def test_no_replacement_is_refused_itself(right: str) -> None:
    for one in right.split("、"):
        assert list(glossary.chinese(one)) == []


@pytest.mark.parametrize("char", "并发数队内应务软网记忆国说这时种复体")
def test_simplified_characters(char: str) -> None:
    assert list(glossary.simplified(f"正常{char}正常")) == [char]


def test_everyday_traditional_characters_pass() -> None:
    text = (
        "執行環境的生命週期調用階段冷啟動佇列並行預留溢流限流擴展速率別名版本目的地無效信件"
        "冪等性節點位置記憶體事件來源映射串流分片主題匯流排重試退避負載平衡器接聽程式標頭"
        "運作狀態檢查逾時配額許可角色政策組態環境變數部署套件層指標日誌批次大小暫時性儲存"
        "檢視者請求快照練習提示解答任務配分成績裡著台臺"
    )
    assert list(glossary.simplified(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "連續調用 5 次，每次 10 秒。",
        f"在 {CODE} 裡寫檔案；讀不到就重試。",
        "這是「冷啟動」（cold start）的例子：第一次最慢。",
        "佔 50% 的流量，約 1.5 秒。",
        "看 https://docs.aws.amazon.com/lambda 的說明",
        "Lambda 會等一下……再試。",
        "a != b 的時候",
        "16:07:12 是第一次",
        "English, only: with (its own) punctuation.",
    ],
)
def test_good_chinese(text: str) -> None:
    assert list(glossary.chinese(text)) == []


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("調用5 次", "space"),
        ("調用 Lambda函數", "space"),
        (f"在{CODE} 裡", "space"),
        ("先調用,再等待", "full-width"),
        ("真的嗎?", "full-width"),
        ("例如:這樣", "full-width"),
        ("結束了.", "。"),
        ("等等...", "……"),
        ("函數(function)", "full-width （）"),
        ('說"冷啟動"', "「」"),
        ("先調用， 再等待", "no space beside"),
        ("他說 「好」", "no space beside"),
        ("第一行\n第二行", "shows as a gap"),
        ("太好了！", "exclamation"),
        ("太好了 🎉", "emoji"),
    ],
)
def test_bad_chinese(text: str, advice: str) -> None:
    assert any(advice in one for one in glossary.chinese(text)), list(glossary.chinese(text))


@pytest.mark.parametrize(
    "text", ["從記憶體內存取資料", "畫在線上", "這個演算法", "連線程式", "會增加載入的時間"]
)
def test_words_that_hold_a_refused_one_by_accident(text: str) -> None:
    assert list(glossary.terms(text)) == []
    assert list(glossary.terms(f"{text}，內存不足"))


def test_manners_of_both_languages() -> None:
    assert list(glossary.manners("Great!")) == ["no exclamation marks"]
    assert list(glossary.manners("x != y")) == []
    assert list(glossary.manners("party 🎉🎉")) == ["no emoji (U+1F389)"]
    assert list(glossary.manners("→ ✓ × …")) == []


@given(st.text())
def test_nothing_makes_it_fall(text: str) -> None:
    list(glossary.chinese(text))


@given(st.text(alphabet="冷啟動調用佇列並行，。：", max_size=30))
def test_pure_chinese_needs_no_spaces(text: str) -> None:
    assert not any("space" in one for one in glossary.chinese(text))


@given(st.sampled_from("調用佇列"), st.text(alphabet="abcXYZ019", min_size=1, max_size=5))
def test_a_missing_space_is_always_seen(chinese: str, latin: str) -> None:
    for text in (f"{chinese}{latin}", f"{latin}{chinese}"):
        assert any("space" in one for one in glossary.chinese(text))
        assert not any("space" in one for one in glossary.chinese(" ".join((chinese, latin))))
