from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.goods import find_goods
from knowledge.quantities import Sale, read_mass, read_money, read_sale, read_unit_price, read_volume

MASSES = [
    ("2斤", 1000), ("半斤", 250), ("一斤半", 750), ("两斤三两", 1150), ("1斤8两", 900), ("3两半", 175), ("二斤四", 1200),
    ("2斤4", 1200), ("1.5公斤", 1500), ("八两", 400), ("１斤８两", 900), ("２．５ｋｇ", 2500), ("十二斤", 6000), ("二十五斤", 12500),
    ("一百五克", 150), ("一百零五克", 105), ("一百五十克", 150), ("零点九公斤", 900), ("一点二五千克", 1250), ("3市斤", 1500),
    ("两两", 100), ("十两", 500), ("五百克", 500), ("五千克", 5000), ("两百克", 200), ("一斤零三两", 650), ("2 斤 3 两", 1150),
    ("1,200克", 1200), ("900g", 900), ("0.905KG", 905), ("2公斤4", 2400), ("5钱", 25), ("3两2钱", 160), ("1斤9两9", 995),
    ("两公斤半", 2500), ("1斤50克", 550), ("半公斤", 500), ("半两", 25), ("三两半", 175), ("1公斤2两", 1100), ("㎏ 3kg", 3000),
    ("兩斤", 1000), ("二斤半的排骨", 1250), ("1斤半价", 500), ("0.01克", "0.01"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "grams"), MASSES)
def test_mass_spellings(text, grams):
    assert read_mass(text) == Decimal(grams)


@pytest.mark.parametrize(
    "text", ["三四斤", "两三斤", "十二三斤", "一两斤", "两斤多", "2-3斤", "2到3斤", "几斤", "多少钱一斤", "3克拉", "5gb", "1.2.3斤", "12345678901斤"]
)  # fmt: skip
def test_vague_masses_are_not_guessed(text):
    assert read_mass(text) is None


def test_bare_numbers_need_a_unit_from_the_caller():
    assert read_mass("0.905") is None
    assert read_mass("0.905", bare_unit="kg") == 905
    assert read_volume("49.7", bare_unit="升") == 49700
    assert read_volume("500ml") == 500
    assert read_mass("2斤 1斤") is None


@pytest.mark.parametrize(
    ("text", "yuan"),
    [("3块8", "3.8"), ("三块五", "3.5"), ("三块五毛", "3.5"), ("5毛", "0.5"), ("28元", "28"), ("56块钱", "56"), ("两块半", "2.5"), ("块八", "1.8"),
     ("3块85", "3.85"), ("十八块", "18"), ("28", "28"), ("9.9元", "9.9"), ("5角", "0.5"), ("一百二十块", "120")],
)  # fmt: skip
def test_money(text, yuan):
    assert read_money(text) == Decimal(yuan)


@pytest.mark.parametrize(
    ("text", "yuan_per_kg"),
    [("28一斤", 56), ("28元/斤", 56), ("28块一斤", 56), ("18一公斤", 18), ("56元/kg", 56), ("56元每公斤", 56), ("每500克 9.9", "19.8"), ("每斤28", 56),
     ("一斤28块", 56), ("一斤28", 56), ("十八一斤", 36), ("三块五一斤", 7), ("3块8一斤", "7.6"), ("块八一斤", "3.6"), ("三点五一斤", 7), ("12元/100克", 120),
     ("28/斤", 56), ("28块钱一斤", 56), ("100一两", 2000), ("9.9元/500g", "19.8"), ("28元1斤", 56), ("每100克12元", 120), ("二十八块五一斤", 57)],
)  # fmt: skip
def test_unit_prices(text, yuan_per_kg):
    assert read_unit_price(text) == Decimal(yuan_per_kg)


def test_price_per_litre_is_no_price_per_kg():
    assert read_unit_price("7.8元/升") is None
    assert read_unit_price("单价28元") is None


SALES = [
    ("买了2斤排骨 28一斤 回家称1斤8两", 1000, 900, None),
    ("买2斤排骨少了2两", 1000, None, 100),
    ("2斤排骨短了100克", 1000, None, 100),
    ("买3斤鱼,差1两", 1500, None, 50),
    ("买一斤虾缺半两", 500, None, 25),
    ("回家发现买的2斤只有1斤8两", 1000, 900, None),
    ("付了2斤的钱 拿到1斤8两", 1000, 900, None),
    ("秤上显示2斤 复称1.9斤", 1000, 950, None),
    ("老板说是2斤,实际1斤9两", 1000, 950, None),
    ("算我3斤,才2斤8两", 1500, 1400, None),
    ("给我称了2斤排骨,回家称1斤8两", 1000, 900, None),
    ("2斤 称得1斤8两", 1000, 900, None),
    ("2斤 1斤8两 称过了", 1000, 900, None),
    ("2斤排骨 1斤8两", 1000, None, None),
    ("缺斤少两!2斤排骨只有1斤8两", 1000, 900, None),
    ("公平秤上显示1斤8两", None, 900, None),
    ("秤上显示2斤1两 要了2斤 回家称1斤9两", 1050, 950, None),
    ("买了2斤 买了3斤 回家称1斤8两", None, 900, None),
    ("买了2斤,回家称1斤9两,公平秤称1斤8两", 1000, 900, None),
    ("至少1斤8两", 900, None, None),
    ("买了三四斤 只有2斤", None, 1000, None),
    ("买完用15公斤的秤称了一下只有1斤8两", None, 900, None),
    ("净含量500克 实际480克", 500, 480, None),
    ("加了50升95号汽油 实际49.7升", 50000, 49700, None),
    ("2斤五花肉 实际1斤9两", 1000, 950, None),
    ("买了2斤八角 实际1斤9两", 1000, 950, None),
    ("1斤8两是复称的,买了2斤", 1000, 900, None),
    ("实际1斤8两", None, 900, None),
    ("买鸡蛋30块钱 5斤 回来4斤6两", 2500, 2300, None),
    ("螃蟹4只2斤 去绳后1斤4两 80一斤", 1000, 700, None),
    ("买了2斤,但是只给了我1斤8两", 1000, 900, None),
    ("老板秤2斤 我秤1斤9", 1000, 950, None),
    ("在菜场A12昨天下午3点买2斤排骨回家称只有1斤8两", 1000, 900, None),
    ("花生油5L装 少了100ml", 5000, None, 100),
    ("2斤排骨差二两五", 1000, None, 125),
]  # fmt: skip


@pytest.mark.parametrize(("text", "paid", "actual", "shortage"), SALES)
def test_roles(text, paid, actual, shortage):
    sale = read_sale(text)
    assert (sale.paid_g, sale.actual_g, sale.shortage_g) == (paid, actual, shortage)


@pytest.mark.parametrize(
    ("text", "yuan"),
    [("付了56块", 56), ("收了14", 14), ("收14", 14), ("一共56", 56), ("花了56元", 56), ("买了56块钱的排骨", 56), ("买了一斤28块", 28), ("28元一斤", None),
     ("买了3块排骨", None), ("付了2斤的钱", None), ("收了一个袋子", None), ("付了10块 付了20块", None)],
)  # fmt: skip
def test_totals(text, yuan):
    assert read_sale(text).total_yuan == yuan


@pytest.mark.parametrize(
    ("text", "flag"),
    [("回家称1斤8两", "home_scale"), ("厨房秤称1斤8两", "home_scale"), ("公平秤称1斤8两", "fair_scale"), ("公平秤称出来差12克", "fair_scale"),
     ("连袋子一起称的", "container"), ("里面有冰", "container"), ("螃蟹绳子很重", "container"), ("带水称的", "container"), ("净含量500克", "prepacked"),
     ("袋装大米", "prepacked"), ("标500克", "prepacked"), ("一罐奶粉", "prepacked"), ("去加油", "fuel"), ("95号", "fuel"), ("加了50升", "fuel")],
)  # fmt: skip
def test_flags_said(text, flag):
    assert getattr(read_sale(text), flag)


@pytest.mark.parametrize(
    ("text", "flag"),
    [("没去公平秤 回家称1斤8两", "fair_scale"), ("哪里有公平秤", "fair_scale"), ("买了2斤水果", "container"), ("买了冰糖", "container"), ("袋装大米", "container"),
     ("去了袋子和冰称的", "container"), ("标价28", "prepacked"), ("5升油 桶装", "fuel"), ("195号摊", "fuel")],
)  # fmt: skip
def test_flags_not_said(text, flag):
    assert not getattr(read_sale(text), flag)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("排骨", "meat"), ("鸡蛋", "egg"), ("鸡", "poultry"), ("活鸡", "live_poultry"), ("活的土鸡", "live_poultry"), ("活蹦乱跳的草鱼", "live_fish"),
     ("鱼是活的", "live_fish"), ("活虾", "seafood"), ("水发海参", "soaked"), ("泡发的木耳", "soaked"), ("海参", "delicacy"), ("干木耳", "dried"), ("茶叶", "other_food"),
     ("金戒指", "gold"), ("银耳", "dried"), ("银耳环", "silver"), ("金针菇", "vegetable"), ("菜市场买的排骨", "meat"), ("废铁", "non_food")],
)  # fmt: skip
def test_goods(text, kind):
    goods = find_goods(text)
    assert goods is not None
    assert goods.kind == kind
    again = find_goods(goods.name)
    assert again is not None
    assert again.kind == kind


@pytest.mark.parametrize("text", ["", "你好", "去菜市场", "水果店", "排骨和白菜", "手机"])
def test_goods_unknown_or_mixed(text):
    assert find_goods(text) is None


_DIGITS = "零一二三四五六七八九"


def chinese(number: int) -> str:
    """1 to 99 as people say it."""
    tens, ones = divmod(number, 10)
    head = "" if not tens else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones else "")


@settings(deadline=None)
@given(st.integers(1, 99), st.integers(0, 9), st.integers(0, 9), st.sampled_from(["斤", "市斤"]), st.booleans())
def test_jin_liang_qian_round_trip(jin, liang, qian, unit, hanzi):
    spell = chinese if hanzi else str
    text = f"{spell(jin)}{unit}" + (f"{spell(liang)}两" if liang else "") + (f"{spell(qian)}钱" if qian else "")
    assert read_mass(text) == jin * 500 + liang * 50 + qian * 5
    assert read_mass(text.translate(str.maketrans("0123456789", "０１２３４５６７８９"))) == read_mass(text)


@settings(deadline=None)
@given(st.decimals("0.001", "999", places=3), st.sampled_from([("公斤", 1000), ("kg", 1000), ("千克", 1000), ("克", 1), ("g", 1), ("斤", 500), ("两", 50)]))  # fmt: skip
def test_decimal_round_trip(value, unit):
    assert read_mass(f"称得{value}{unit[0]}。") == value * unit[1]


@settings(deadline=None)
@given(st.integers(1, 99), st.integers(1, 9), st.sampled_from([("斤", 2), ("公斤", 1), ("kg", 1)]))
def test_price_round_trip(yuan, jiao, unit):
    expected = (yuan + Decimal(jiao) / 10) * unit[1]
    assert read_unit_price(f"{yuan}.{jiao}元/{unit[0]}") == expected
    assert read_unit_price(f"{yuan}块{jiao}一{unit[0]}") == expected
    assert read_unit_price(f"{chinese(yuan)}块{_DIGITS[jiao]}一{unit[0]}") == expected


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(1, 9))
def test_a_sentence_keeps_its_roles(jin, liang):
    sale = read_sale(f"买了{jin}斤{liang}两排骨 回家称{jin}斤")
    assert (sale.paid_g, sale.actual_g) == (jin * 500 + liang * 50, jin * 500)


MARKET = "一二两三十百千零点半斤公克钱块毛元角每/.-0123456789 kglm升毫,少买称秤只有付了收加手机放公平活鱼水发"


@settings(deadline=None)
@given(st.one_of(st.text(max_size=400), st.text(alphabet=MARKET, max_size=400)))
def test_any_text_gives_a_sale(text):
    sale = read_sale(text)
    assert isinstance(sale, Sale)
    assert sale == read_sale(text)


def test_only_the_first_200_characters_count():
    assert read_sale("排" * 200 + "2斤").paid_g is None
