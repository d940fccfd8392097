"""The one form in which told stories are read: as long as what was typed, so that places in it stay right."""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT = 600
"""Longer stories are kept whole, but read only so far."""
BLANK = "，"
_SIMPLE = str.maketrans(
    "場攤號鋪區樓農貿舉報訴買賣來對邊門們點兩塊錢稱實際顯說個減開頭週過層棟間蔔遞標誌證書電錶裡裏油槍檢價結賬樣測準驗斷壞騙鮮魚蝦雞鴨豬蘋氣熱費質廣無經營擾車時單黃銀飾鏡給這沒夠舊關橋鎮蘿貨糧乾參將團遙處遠鄰園醫學",
    "场摊号铺区楼农贸举报诉买卖来对边门们点两块钱称实际显说个减开头周过层栋间卜递标志证书电表里里油枪检价结账样测准验断坏骗鲜鱼虾鸡鸭猪苹气热费质广无经营扰车时单黄银饰镜给这没够旧关桥镇萝货粮干参将团遥处远邻园医学",
)
_COUNT = r"(?:[0-9]+(?:\.[0-9]+)?|[零〇一二两三四五六七八九十百半几]{1,6})"
_AMOUNT = re.compile(
    rf"(?<![0-9.A-Za-z]){_COUNT}[ 多来]?(?:公斤|千克|市斤|斤|毫升|公升|升|kg|ml|块(?!石)|克(?!拉)|两(?![江湖])|g(?![a-z])|l(?![a-z]))"
    rf"|(?<![0-9.A-Za-z])[0-9]+(?:\.[0-9]+)?[ 多]?(?:元|毛|角|钱|度|%|分钟|小时)",
    re.IGNORECASE,
)
_BARE_TAIL = re.compile(r"(?<=，)(?:[0-9]|[一二三四五六七八九半])(?=[少只才但却结回称，。 ]|$)")

_UNKNOWN = re.compile(
    r"(?:我|也|就|真|真的|都|还|是|现在|具体|这个?|那个?)*"
    r"(?:不知道|不清楚|不记得|记不清|记不得|记不住|想不起来|忘了|忘记|不晓得|说不清|说不上来|不确定|没注意|没看清|没留意|没记住|没记)"
    r"(?:是|在|叫|了|那|这|具体|的|它|哪|一|家|个|什么|啥|里|儿|店|摊|位|子|名|字|地方|位置|地址|市场|菜场|超市|号|码|多少|几|呢|啊|吧|呀)*"
)


def fold(text: str) -> str:
    """Half width and simplified characters, at most ``MAX_TEXT`` of them, each at its own place."""
    half = (n if len(n := unicodedata.normalize("NFKC", c)) == 1 else c for c in text[:MAX_TEXT])
    return "".join(half).translate(_SIMPLE)


def is_unknown(text: str) -> bool:
    """Whether somebody says no more than that they do not know: 不知道, 忘了哪家店."""
    return _UNKNOWN.fullmatch(re.sub(r"[\s，,。.!！…~～]", "", fold(text))) is not None


def blank(text: str, start: int, end: int) -> str:
    """The text with one stretch struck out."""
    return text[:start] + BLANK * (end - start) + text[end:]


def without_amounts(folded: str) -> str:
    """Weights, volumes and sums struck out, so that their digits belong to nothing else."""
    struck = _AMOUNT.sub(lambda m: BLANK * len(m[0]), folded)
    return _BARE_TAIL.sub(BLANK, struck)
