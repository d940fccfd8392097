import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.receipt_code import (
    Read,
    is_only_digits,
    looks_like,
    read,
    read_case_number,
    read_short_number,
    with_check,
)

DIGITS = "4839201177450926"
SHOWN = with_check(DIGITS)
BARE = SHOWN.replace("-", "")
FULL_WIDTH = str.maketrans("0123456789-", "０１２３４５６７８９－")
SPOKEN = str.maketrans("0123456789", "〇一二三四五六七八九")
RECEIPTS = st.text("0123456789", min_size=16, max_size=16)
AS_TYPED = [
    SHOWN, BARE, SHOWN.replace("-", " "), SHOWN.replace("-", "——"), SHOWN.replace("-", "–"), SHOWN.replace("-", "，"),
    SHOWN.translate(FULL_WIDTH), BARE.translate(SPOKEN), SHOWN.replace("0", "〇"), SHOWN.replace("0", "O"), SHOWN.replace("1", "l"),
    " ".join(BARE), f" {SHOWN}\n", f"{DIGITS} {SHOWN[-1]}", SHOWN[:9] + "\n" + SHOWN[9:], f"{SHOWN}。", f"“{SHOWN}”",
    f"查{SHOWN}", f"查 {BARE}", f"回执码{SHOWN}", f"回执码：{SHOWN}", f"我的回执码是{SHOWN}", f"查一下{BARE.translate(SPOKEN)}", f"/track {SHOWN}",
    f"{SHOWN} 谢谢", f"请查回执 {SHOWN}，看看进度", f"上个月举报的那家店怎么样了？回执码 {SHOWN}", f"编号 TS-260928-0147 回执码 {SHOWN}",
    "".join(f"{digit}\ufe0f\u20e3" for digit in BARE), SHOWN.replace("-", "\u200b"),
]  # fmt: skip
NO_RECEIPT = [
    "", "查", "回执码", "我的举报", DIGITS, SHOWN[:-2], "13812345678", "TS-260928-0147", "110101199003071234", "11010119900307123X",
    "91310000MA1FL0000A", BARE + "12", f"订单号{BARE}", f"{BARE}元", "2斤排骨28一斤称得1斤8两", "一二三四五六七", "6222 0212 3456 7890 123",
]  # fmt: skip


def test_shown_in_fours_with_the_check_digit_behind():
    assert SHOWN.startswith("4839-2011-7745-0926-")
    assert len(BARE) == 17


@pytest.mark.parametrize("digits", ["", "123", DIGITS + "1", "48392011774509x6", DIGITS.translate(FULL_WIDTH)])
def test_other_texts_are_not_shown_as_receipts(digits):
    with pytest.raises(ValueError, match="digits"):
        with_check(digits)


@pytest.mark.parametrize("text", AS_TYPED)
def test_read_as_people_type_it(text):
    assert read(text) == Read(DIGITS, mistyped=False)
    assert looks_like(text)


@pytest.mark.parametrize("text", NO_RECEIPT)
def test_other_numbers_are_no_receipts(text):
    assert read(text) is None


@pytest.mark.parametrize("text", ["", "查", "13812345678", "TS-260928-0147", "110101199003071234", f"订单号{BARE}"])
def test_other_numbers_do_not_look_like_receipts(text):
    assert not looks_like(text)


@pytest.mark.parametrize(
    "text", [SHOWN[:-2], SHOWN[:-3], f"回执码{BARE[:-1]}", f"回执 {BARE}5", f"我的回执码是 {BARE[1:]}", SHOWN[:-2].replace("-", " ")]
)  # fmt: skip
def test_a_digit_missing_or_too_many_is_still_meant_as_a_receipt(text):
    assert read(text) is None
    assert looks_like(text)


@given(RECEIPTS)
@settings(max_examples=150)
def test_what_is_shown_is_read_again(digits):
    assert read(with_check(digits)) == Read(digits, mistyped=False)


@given(RECEIPTS, st.integers(0, 16), st.integers(1, 9), st.booleans())
@settings(max_examples=150)
def test_one_slip_is_mistyped_and_gives_nothing_to_look_up(digits, at, shift, dashes):
    code = with_check(digits).replace("-", "")
    wrong = code[:at] + str((int(code[at]) + shift) % 10) + code[at + 1 :]
    typed = "-".join(wrong[n : n + 4] for n in range(0, 17, 4)) if dashes else wrong
    assert read(typed) == Read("", mistyped=True)
    assert looks_like(typed)


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_any_text_is_read_without_an_error(text):
    found = read(text)
    assert found is None or looks_like(text)
    read_case_number(text)
    read_short_number(text)


@pytest.mark.parametrize("text", ["查一下" * 2000, "回执号码" * 2000, "1-" * 4000, "查" + " " * 8000 + "x"])
def test_a_long_message_of_lead_words_is_read_in_one_pass(text):
    assert read(text) is None
    assert read_case_number(text) is None
    assert read_short_number(text) is None
    assert not looks_like(text)


@pytest.mark.parametrize(
    "text",
    ["TS-260928-0147", "ts-260928-0147", "ＴＳ－２６０９２８－０１４７", "TS2609280147", "ts 260928 0147", "TS—260928—0147", "查TS-260928-0147", "编号：Ts-2609280147。",
     "请问 TS-260928-0147 怎么样了", "260928-0147", "查 260928-0147", "编号TS-260928-0147(2026-09-28)"],
)  # fmt: skip
def test_case_numbers_as_people_type_them(text):
    assert read_case_number(text) == "TS-260928-0147"


@pytest.mark.parametrize(
    "text",
    ["", "TS-260928-014", "TS-260928-01478", "TS-261328-0147", "TS-260230-0147", "ATS-260928-0147", "2609280147", "13812345678", "共 260928-0147 元", SHOWN],
)  # fmt: skip
def test_other_texts_are_no_case_numbers(text):
    assert read_case_number(text) is None


@pytest.mark.parametrize("text", ["0031", "#0031", "００３１", "编号0031", "尾号 0031", " 0031 号", "举报编号：0031"])
def test_short_numbers(text):
    assert read_short_number(text) == "0031"


@pytest.mark.parametrize("text", ["", "31", "00311", "0031元", "TS-260928-0031", "2026年"])
def test_other_texts_are_no_short_numbers(text):
    assert read_short_number(text) is None


@pytest.mark.parametrize("text", [DIGITS, DIGITS[:-1], BARE, f"{BARE}5", " ".join(DIGITS), DIGITS.translate(SPOKEN)])
def test_about_as_many_digits_and_nothing_else_may_be_a_receipt(text):
    assert is_only_digits(text)


@pytest.mark.parametrize("text", ["", DIGITS[:-2], f"{BARE}55", f"{DIGITS}元", f"卡号{DIGITS}", "110101199003071234"])
def test_other_digits_may_not(text):
    assert not is_only_digits(text)
