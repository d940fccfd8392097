"""What tells who somebody is does not reach other eyes; what the case is about does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.private_words import HIDDEN, hide
from knowledge.receipt_code import with_check

MOBILES = st.from_regex(re.compile(r"1[3-9][0-9]{9}", re.ASCII), fullmatch=True)
HANZI = "〇一二三四五六七八九"
CAPITAL = "零壹贰叁肆伍陆柒捌玖"
CIRCLED = "⓪①②③④⑤⑥⑦⑧⑨"
WIDE = "０１２３４５６７８９"
ARABIC = "٠١٢٣٤٥٦٧٨٩"
SCRIPTS = st.sampled_from(["0123456789", WIDE, HANZI, CAPITAL, CIRCLED, ARABIC])
JOINS = st.sampled_from(["", " ", "-", " - ", "—", "－", "\u200b", "　", "·"])
WORDS = st.text(st.sampled_from("城西菜场少斤两，。买虾的A秤元"), max_size=12)


@pytest.mark.parametrize(
    ("text", "shown", "kinds"),
    [
        ("电话13812345678找我", f"电话{HIDDEN}找我", ["mobile"]),
        ("138 1234 5678", HIDDEN, ["mobile"]),
        ("138.1234.5678", HIDDEN, ["mobile"]),
        ("+86 138-1234-5678", f"+{HIDDEN}", ["mobile"]),
        ("１３８１２３４５６７８", HIDDEN, ["mobile"]),
        ("一三八一二三四五六七八", HIDDEN, ["mobile"]),
        ("幺三八幺二三四五六七八", HIDDEN, ["mobile"]),
        ("A12 13812345678", f"A12 {HIDDEN}", ["mobile"]),
        ("12号摊 138 1234 5678", f"12号摊 {HIDDEN}", ["mobile"]),
        ("28元13812345678", f"28元{HIDDEN}", ["mobile"]),
        ("0571-88001234", HIDDEN, ["landline"]),
        ("010 12345678", HIDDEN, ["landline"]),
        ("座机88001234", f"座机{HIDDEN}", ["landline"]),
        ("身份证11010519491231002X", f"身份证{HIDDEN}", ["id-card"]),
        ("身份证 110105 19491231 002x。", f"身份证 {HIDDEN}。", ["id-card"]),
        ("110105194912310021", HIDDEN, ["id-card"]),
        ("110105491231002", HIDDEN, ["id-card"]),
        ("6222 0212 3456 7890 123", HIDDEN, ["bank-card"]),
        ("卡号4111111111111111", f"卡号{HIDDEN}", ["bank-card"]),
        ("邮箱a.b-c@qq.com谢谢", f"邮箱{HIDDEN}谢谢", ["e-mail"]),
        ("ａｂｃ＠163.com", HIDDEN, ["e-mail"]),
        ("微信号：abc_12345", f"微信号：{HIDDEN}", ["account"]),
        ("加我微信 abc12345", f"加我微信 {HIDDEN}", ["account"]),
        ("V：abc12345", f"V：{HIDDEN}", ["account"]),
        ("QQ 12345", f"QQ {HIDDEN}", ["account"]),
        ("QQ号是1234567890", f"QQ号是{HIDDEN}", ["account"]),
        ("我叫王小明，在城西菜场", f"我叫{HIDDEN}，在城西菜场", ["name"]),
        ("本人张三，住在城西", f"本人{HIDDEN}，住在城西", ["name"]),
        ("我叫欧阳修远", f"我叫{HIDDEN}", ["name"]),
        ("我是王先生", f"我是{HIDDEN}", ["name"]),
        ("我是李小红女士。", f"我是{HIDDEN}。", ["name"]),
        ("姓名：李四 电话：13812345678", f"姓名：{HIDDEN} 电话：{HIDDEN}", ["name", "mobile"]),
        ("联系人:赵钱孙", f"联系人:{HIDDEN}", ["name"]),
        ("我姓陈", f"我姓{HIDDEN}", ["name"]),
        ("我是王小明，在城西菜场", f"我是{HIDDEN}，在城西菜场", ["name"]),
        ("我是李雷在城西菜场买菜", f"我是{HIDDEN}在城西菜场买菜", ["name"]),
        ("我叫张伟举报A12", f"我叫{HIDDEN}举报A12", ["name"]),
        ("姓名张三", f"姓名{HIDDEN}", ["name"]),
        ("举报人李四 A12少称", f"举报人{HIDDEN} A12少称", ["name"]),
        ("收货人王五", f"收货人{HIDDEN}", ["name"]),
        ("我名叫陈晨", f"我名叫{HIDDEN}", ["name"]),
        ("我叫阿明", f"我叫{HIDDEN}", ["name"]),
        ("我老公叫王大力，昨天", f"我老公叫{HIDDEN}，昨天", ["name"]),
        ("我老婆叫李梅", f"我老婆叫{HIDDEN}", ["name"]),
        ("家住幸福小区3栋501", f"家住{HIDDEN}", ["address"]),
        ("我住3栋2单元501室，买虾", f"我住{HIDDEN}，买虾", ["address"]),
        ("住人民路12弄3号501室", f"住{HIDDEN}", ["address"]),
        ("家在城西新村三栋二单元", f"家在{HIDDEN}", ["address"]),
        ("我的车牌浙A12345", f"我的车牌{HIDDEN}", ["plate"]),
        ("护照E12345678", f"护照{HIDDEN}", ["passport"]),
        ("我的工号00321", f"我的工号{HIDDEN}", ["staff-number"]),
        ("抖音号zhangsan88", f"抖音号{HIDDEN}", ["account"]),
        ("快手号：abc_123", f"快手号：{HIDDEN}", ["account"]),
        ("小红书号 12345678", f"小红书号 {HIDDEN}", ["account"]),
        ("tg: zhangsan", f"tg: {HIDDEN}", ["account"]),
        ("telegram @zhang_san", f"telegram @{HIDDEN}", ["account"]),
        ("找我@zhangsan", f"找我@{HIDDEN}", ["account"]),
        ("zhangsan at qq.com", HIDDEN, ["e-mail"]),
    ],
)  # fmt: skip
def test_who_it_was_is_taken_out(text: str, shown: str, kinds: list[str]) -> None:
    hidden = hide(text)
    assert hidden.text == shown
    assert [kind for kind, _ in hidden.found] == kinds


@pytest.mark.parametrize(
    "text",
    ["城西菜场A12少称2两，28.5元一斤", "买了2斤13.5元一斤 28.5 100 20", "TS-261120-0031", "4839-2011-7745-0926-3", "编号0917", "ACS-30 编号 057188001234",
     "91330100MA27XXXX1Q", "913301002539164752", "2026-11-20 13:05", "微信付了23456元", "微信支付单号4200001234202611201234567890", "打12315和12345",
     "我叫老板重称", "我叫他重新称", "本人于昨天，在城西菜场", "我是顾客", "我是常客，天天来", "摊主王先生说没少", "老王水产", "三四斤", "一二三四五",
     "姓名：保密", "订单20261120123456", "3排5号 12.5 11.8 1斤", "没有微信", "qq糖2斤",
     "我是周六去买的", "我是高中生在这买", "我叫小贩重称", "我叫老王家水产少称", "我是王记水产的常客", "收银员工号0032", "出租车车牌浙A12345多收", "我的车在中石化加油",
     "我住城西菜场旁边3号摊买的", "我住附近，城西菜场A12号少称2两", "我家在人民路38号旁边的水果店买", "举报黄记鱼行", "举报人民路38号水果店", "举报人方便时联系", "我叫住3号"],
)  # fmt: skip
def test_what_the_case_is_about_stays(text: str) -> None:
    hidden = hide(text)
    assert (hidden.text, hidden.found) == (text, ())


@settings(max_examples=200, deadline=None)
@given(MOBILES, SCRIPTS, st.lists(JOINS, min_size=10, max_size=10), WORDS, WORDS)
def test_no_mobile_survives_however_it_is_spelled(
    mobile: str, script: str, joins: list[str], before: str, after: str
) -> None:
    spelled = "".join(script[int(d)] + j for d, j in zip(mobile, [*joins, ""], strict=True))
    hidden = hide(f"{before}{spelled}{after}")
    assert hidden.text == f"{before}{HIDDEN}{after}"
    assert hidden.found == (("mobile", spelled),)


@settings(max_examples=200, deadline=None)
@given(st.from_regex(re.compile(r"[0-9]{16}", re.ASCII), fullmatch=True), st.booleans())
def test_no_receipt_is_eaten(digits: str, solid: bool) -> None:  # noqa: FBT001 - drawn
    receipt = with_check(digits)
    text = f"回执 {receipt.replace('-', '') if solid else receipt}"
    assert hide(text).text == text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_taken_and_twice_is_as_once(text: str) -> None:
    once = hide(text)
    assert hide(once.text).text == once.text
    assert once.text.count(HIDDEN) == len(once.found) + text.count(HIDDEN)
    rebuilt = once.text
    if HIDDEN not in text:
        for _, value in once.found:
            rebuilt = rebuilt.replace(HIDDEN, value, 1)
        assert rebuilt == text


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 999), st.sampled_from(["斤", "两", "克", "元", "号摊", "公斤", "升", "块"])),
        max_size=8,
    )
)
def test_no_weight_price_or_stall_is_eaten(amounts: list[tuple[int, str]]) -> None:
    text = "城西菜场" + "，".join(f"{n}{unit}" for n, unit in amounts)
    assert hide(text).text == text
