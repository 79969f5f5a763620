"""Chinese as it is written in Taiwan: terms, characters, punctuation, spacing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lambdalab.course.prose import CODE

__all__ = ["FORBIDDEN", "chinese", "has_chinese", "manners", "simplified", "terms"]

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3007"
_HAN = re.compile(f"[{HAN}]")
_LATIN = rf"A-Za-z0-9\u00c0-\u024f%{CODE}"
_WIDE_AFTER = "，。；：？！、」』）》"
_WIDE_BEFORE = "，。；：？！、「『（《」』）》"

FORBIDDEN: Mapping[str, str] = {
    "并发": "並行",
    "並發": "並行",
    "併發": "並行",
    "函数": "函數",
    "函式": "函數",
    "队列": "佇列",
    "隊列": "佇列",
    "默認": "預設",
    "缺省": "預設",
    "內存": "記憶體",
    "服務器": "伺服器",
    "數據": "資料",
    "信息": "訊息、資訊",
    "軟件": "軟體",
    "硬件": "硬體",
    "固件": "韌體",
    "文件夾": "資料夾",
    "網絡": "網路",
    "視頻": "影片",
    "接口": "介面",
    "線程": "執行緒",
    "進程": "程序",
    "沙箱": "沙盒",
    "緩存": "快取",
    "日志": "日誌",
    "字符": "字元、字串",
    "字節": "位元組",
    "字段": "欄位",
    "變量": "變數",
    "常量": "常數",
    "數組": "陣列",
    "異步": "非同步",
    "調試": "除錯",
    "屏幕": "螢幕",
    "鼠標": "滑鼠",
    "支持": "支援",
    "運行": "執行",
    "創建": "建立",
    "加載": "載入",
    "集群": "叢集",
    "鏡像": "映像",
    "克隆": "複製",
    "在線": "線上",
    "帶寬": "頻寬",
    "打印": "列印、印出",
    "內置": "內建",
    "全局": "全域",
    "源代碼": "原始碼",
    "代碼": "程式碼",
    "質量": "品質",
    "鏈接": "連結",
    "超時": "逾時",
    "回調": "回呼",
    "端口": "連接埠",
    "卸載": "解除安裝",
    "菜單": "選單",
    "窗口": "視窗、時段",
    "應用程序": "應用程式",
    "操作系統": "作業系統",
    "重定向": "重新導向",
    "命令行": "命令列",
    "互聯網": "網際網路",
    "存儲": "儲存",
    "訪問": "存取",
    "遍歷": "走訪",
    "迭代器年齡": "迭代器存留期",
    "算法": "演算法",
    "響應": "回應",
    "模塊": "模組",
    "插件": "外掛程式",
    "用戶名": "使用者名稱",
    "處理函數": "處理常式",
    "死信隊列": "無效信件佇列（DLQ）",
}
"""Refused in Chinese prose -> what to write instead."""

_RIGHT_AFTER_ALL = re.compile("演算法|內存取|內存放|增加載入|[連離]線程式|在線上")
"""Words in which a refused one stands by accident."""

_ENCODABLE_BUT_SIMPLIFIED = frozenset("万与么云体虫听坏怀据种价优几并于范网复机仆伙虽时")
_TRADITIONAL_BUT_NOT_BIG5 = frozenset("着啟裡峰〇")


def has_chinese(text: str) -> bool:
    """Tell whether there is a Chinese character in a text."""
    return bool(_HAN.search(text))


def simplified(text: str) -> Iterator[str]:
    """Yield each simplified (or otherwise not Taiwanese) character once.

    Big5 is the inventory of Traditional Chinese; a few of its rare characters are
    everyday simplified ones, so they are refused as well.
    """
    for char in dict.fromkeys(_HAN.findall(text)):
        if char in _TRADITIONAL_BUT_NOT_BIG5:
            continue
        if char in _ENCODABLE_BUT_SIMPLIFIED or not char.encode("cp950", "ignore"):
            yield char


def terms(text: str) -> Iterator[str]:
    """Yield what is wrong with the words of a Chinese text."""
    for char in simplified(text):
        yield f'"{char}" is not a Traditional Chinese character as used in Taiwan'
    rest = _RIGHT_AFTER_ALL.sub(CODE, text)
    for wrong, right in FORBIDDEN.items():
        if wrong in rest:
            yield f'"{wrong}": write {right}'


_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(rf"[{HAN}][{_LATIN}]|[{_LATIN}][{HAN}]"),
        "put a space between Chinese and Latin letters, digits or code",
    ),
    (
        re.compile(rf"[{HAN}{_WIDE_AFTER}] ?[,;:?](?!//)|(?<![0-9])[,;:?] ?[{HAN}]"),
        "use full-width punctuation next to Chinese: ，；：？",
    ),
    (re.compile(rf"[{HAN}]\.(?:\s|$)|\.\.\.?[{HAN}]|[{HAN}]\.\.\.?"), "write 。 or ……"),
    (re.compile(rf"[{HAN}] ?[()]|[()] ?[{HAN}]"), "use full-width （） next to Chinese"),
    (re.compile(rf"[{HAN}] ?[\"']|[\"'] ?[{HAN}]"), "quote Chinese with 「」"),
    (
        re.compile(rf"[{_WIDE_AFTER}] +\S|\S +[{_WIDE_BEFORE}]"),
        "no space beside full-width punctuation",
    ),
    (
        re.compile(rf"[{HAN}{_WIDE_AFTER}]\n[{HAN}{_WIDE_BEFORE}]"),
        "a line break between Chinese characters shows as a gap: keep the paragraph on one line",
    ),
)


def chinese(text: str) -> Iterator[str]:
    """Yield what is wrong with a Chinese plain text (:mod:`lambdalab.course.prose`)."""
    yield from terms(text)
    for pattern, advice in _RULES:
        for found in pattern.finditer(text):
            around = text[max(0, found.start() - 6) : found.end() + 6]
            shown = around.replace(CODE, "`…`").replace("\n", "⏎")
            yield f'"{shown}": {advice}'
    yield from manners(text)


_EXCLAMATION = re.compile(r"！|!(?!=)")
_EMOJI = re.compile("[\U0001f000-\U0001faff\ufe0f]")


def manners(text: str) -> Iterator[str]:
    """Yield what neither language does."""
    if "**" in text:
        # Markdown closes no emphasis between 。 and a letter: **重點。**接著
        yield "** is not read as emphasis here: put the punctuation outside of it"
    if _EXCLAMATION.search(text):
        yield "no exclamation marks"
    for emoji in dict.fromkeys(_EMOJI.findall(text)):
        yield f"no emoji (U+{ord(emoji):04X})"
