"""What stands where on a card: one order from top to bottom, with the measures of each size."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.cards import emblem
from bot.cards.canvas import GREEN, GREY, INK, PALE_GREEN, SOFT_GREEN, Canvas, Style
from bot.cards.lettering import Block, Face, cleaned, fitted, width, wrapped
from bot.cards.words import LIVE, VOLUNTARY, Card, details, more

LEADING = 1.42
NAME_LEADING = 1.28
SMALL, SMALLEST = 0.78, 0.45
"""Of the usual size: points are made this small to have one line each, and never smaller than the other."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Measures in millimetres; ``shown`` is the most points and ``fewest`` how many are shown however
    long they are; ``stacked`` has the code in the middle of a narrow sheet."""

    width: float
    height: float
    dpi: float
    margin: float
    top: float
    frame: float
    seal: float
    title: float
    name: float
    name_height: float
    text: float
    small: float
    code: float
    shown: int
    fewest: int
    stacked: bool = False

    @property
    def inner(self) -> float:
        return self.width - 2 * self.margin

    @property
    def middle(self) -> float:
        return self.width / 2


A4 = Sheet(210, 297, 200, 26, 19, 9, 28, 15, 12.5, 30, 5.4, 3.7, 54.5, 10, 10)
A6 = Sheet(105, 148, 300, 11.5, 8, 4, 11.5, 7.2, 5.8, 12.5, 2.85, 2.2, 39.2, 5, 3)
PHONE = Sheet(72, 144, 381, 7.5, 6.4, 2.6, 10, 6, 4.8, 10.5, 2.5, 1.95, 33, 5, 3, stacked=True)


def painted(card: Card, sheet: Sheet) -> Canvas:
    canvas = Canvas(sheet.width, sheet.height, sheet.dpi)
    _borders(canvas, sheet)
    top = _head(canvas, card, sheet)
    bottom = foot(canvas, card, sheet)
    _points(canvas, card, sheet, (top, bottom))
    _watermark(canvas, sheet, (top, bottom))
    return canvas


def _borders(canvas: Canvas, sheet: Sheet) -> None:
    step = sheet.frame * 0.28
    for inset, thick, colour in ((sheet.frame, 0.1, GREEN), (sheet.frame + step, 0.03, SOFT_GREEN)):
        box = (inset, inset, sheet.width - inset, sheet.height - inset)
        canvas.frame(box, thick * sheet.frame, 0.36 * (2 * sheet.frame - inset), colour)


def _watermark(canvas: Canvas, sheet: Sheet, room: tuple[float, float]) -> None:
    """The balance behind the points; it does not reach the quiet zone of the code."""
    side = min(sheet.inner * 0.9, (room[1] - room[0]) * 1.3)
    mask = emblem.balance(canvas.pixels(side))
    canvas.watermark((sheet.middle, (room[0] + room[1]) / 2), mask, PALE_GREEN)


def _head(canvas: Canvas, card: Card, sheet: Sheet) -> float:
    """Seal, title, name, place and trade; where the rest may begin."""
    y = sheet.top
    canvas.stencil((sheet.middle, y + sheet.seal / 2), emblem.seal(canvas.pixels(sheet.seal)), GREEN)
    y += sheet.seal + 0.5 * sheet.title
    title = _one_line(card.title, Style(Face.SERIF, sheet.title, GREEN, 0.16, 0.012, 0.5), sheet.inner)
    canvas.line(sheet.middle, y, cleaned(card.title), title)
    y += 1.42 * sheet.title
    _ornament(canvas, sheet, y)
    y = _name(canvas, card, sheet, y + 0.42 * sheet.title)
    place = cleaned("　·　".join(filter(None, (card.district, card.sector)))) or " "
    canvas.line(
        sheet.middle, y, place, _one_line(place, Style(Face.SANS, sheet.text * 0.95, GREY, align=0.5), sheet.inner)
    )
    return y + 2.2 * sheet.text


def _ornament(canvas: Canvas, sheet: Sheet, y: float) -> None:
    """A rule that is broken by the knob of the balance."""
    length, gap = sheet.inner * 0.2, sheet.title * 0.16
    thick = sheet.title * 0.025
    for left in (sheet.middle - gap - length, sheet.middle + gap):
        canvas.rule(left, y, length, thick, GREEN)
    canvas.stencil((sheet.middle, y), emblem.lozenge(canvas.pixels(sheet.title * 0.17)), GREEN)


def _name(canvas: Canvas, card: Card, sheet: Sheet, y: float) -> float:
    block = fitted(Face.SERIF, card.shop_name, (sheet.inner, sheet.name_height), sheet.name, NAME_LEADING)
    style = Style(Face.SERIF, block.size, INK, weight=0.008, align=0.5)
    return canvas.block(sheet.middle, y, block, style, NAME_LEADING) + 0.5 * sheet.text


def _points(canvas: Canvas, card: Card, sheet: Sheet, room: tuple[float, float]) -> None:
    """The points, as large and as far apart as the room between head and foot has place for."""
    texts, rest, height, size = _chosen(card, sheet, room[1] - room[0])
    spare = (height - _set(texts, sheet, size, 0.0)) / max(len(texts), 1) / size
    gap = min(max(spare, 0.0), 0.85)
    y = room[0] + max(height - _set(texts, sheet, size, gap), 0.0) * 0.4
    canvas.line(sheet.middle, y, card.opening, Style(Face.SANS, size, GREEN, 0.08, 0.01, 0.5))
    y += (LEADING + 0.4) * size
    blocks = [Block(_lines(text, sheet, size), size) for text in texts]
    x = _left(blocks, sheet, size)
    for number, block in enumerate(blocks, start=1):
        y = _point(canvas, (x, y), f"{number}", block) + gap * size
    if rest:
        canvas.line(sheet.middle, y + 0.3 * size, rest, Style(Face.SANS, min(size, sheet.small), GREY, align=0.5))


def _chosen(card: Card, sheet: Sheet, room: float) -> tuple[list[str], str, float, float]:
    """As many points as can be read easily, the line for the rest, the height for the points and their size."""
    for count in range(sheet.shown, sheet.fewest - 1, -1):
        texts = [cleaned(text) for text in card.points[:count]]
        rest = more(len(card.points), len(texts))
        height = room - (3.0 if rest else 1.6) * sheet.text
        size = _size(texts, sheet, height)
        if size >= sheet.text * SMALL * 0.97:
            break
    return texts, rest, height, size


def _size(texts: list[str], sheet: Sheet, height: float) -> float:
    """The largest at which each point has one line; if that is small, the largest at which they fit in."""
    size, fitting = sheet.text, 0.0
    while size > sheet.text * SMALLEST:
        if _set(texts, sheet, size, 0.3) <= height:
            fitting = fitting or size
            if size < sheet.text * SMALL or all(len(_lines(text, sheet, size)) == 1 for text in texts):
                break
        size *= 0.97
    return size if size >= sheet.text * SMALL else fitting or size


def _left(blocks: list[Block], sheet: Sheet, size: float) -> float:
    """Where the points begin: as a whole they stand in the middle."""
    widest = max((width(Face.SANS, line) for block in blocks for line in block.lines), default=0.0)
    return max(sheet.middle - (widest * size + _indent(size)) / 2, sheet.margin)


def _point(canvas: Canvas, place: tuple[float, float], number: str, block: Block) -> float:
    (x, y), size = place, block.size
    top = y + (LEADING - 1) / 2 * size
    canvas.line(x + 1.2 * size, top, number, Style(Face.SANS, size, GREEN, weight=0.02, align=1))
    return canvas.block(x + _indent(size), y, block, Style(Face.SANS, size), LEADING)


def _indent(size: float) -> float:
    return 1.9 * size


def _lines(text: str, sheet: Sheet, size: float) -> tuple[str, ...]:
    return wrapped(Face.SANS, text, (sheet.inner - _indent(size)) / size)


def _set(texts: list[str], sheet: Sheet, size: float, gap: float) -> float:
    """Height of the points with their opening, ``gap`` ems apart."""
    lines = sum(len(_lines(text, sheet, size)) for text in texts)
    return (lines * LEADING + len(texts) * gap + LEADING + 0.4) * size


def foot(canvas: Canvas, card: Card, sheet: Sheet) -> float:
    """The code with what belongs to it; where it begins."""
    end = sheet.height - sheet.frame * 1.28 - 1.9 * sheet.small
    canvas.line(sheet.middle, end, VOLUNTARY, Style(Face.SANS, sheet.small * 0.9, GREY, 0.06, align=0.5))
    return (_stacked if sheet.stacked else _beside)(canvas, card, sheet, end - 1.1 * sheet.small)


def _beside(canvas: Canvas, card: Card, sheet: Sheet, end: float) -> float:
    """The code on the left, the details on its right."""
    under = 3.9 * sheet.small
    top = end - under - sheet.code
    _code(canvas, card, sheet, (sheet.margin, top))
    x = sheet.margin + sheet.code + 2.2 * sheet.small
    rows = details(card)
    each = (sheet.code + under - 0.6 * sheet.small) / len(rows)
    for number, (label, value) in enumerate(rows):
        _detail(canvas, sheet, (x, top + number * each), (sheet.width - sheet.margin - x, each), label, value)
    return top - sheet.small


def _stacked(canvas: Canvas, card: Card, sheet: Sheet, end: float) -> float:
    """The code in the middle, the details in two columns below it."""
    rows = details(card)
    each, half = 4.5 * sheet.small, sheet.inner / 2
    first = end - each * ((len(rows) + 1) // 2)
    for number, (label, value) in enumerate(rows):
        place = (sheet.margin + (number % 2) * (half + sheet.small), first + number // 2 * each)
        _detail(canvas, sheet, place, (half - sheet.small, each), label, value)
    top = first - 4.5 * sheet.small - sheet.code
    _code(canvas, card, sheet, (sheet.middle - sheet.code / 2, top))
    return top - sheet.small


def _code(canvas: Canvas, card: Card, sheet: Sheet, corner: tuple[float, float]) -> None:
    x, y = corner
    canvas.code(x, y, card.link, sheet.code)
    box = (x, y, x + sheet.code, y + sheet.code)
    canvas.frame(box, sheet.frame * 0.03, sheet.frame * 0.2, SOFT_GREEN)
    middle, y = x + sheet.code / 2, y + sheet.code + 0.7 * sheet.small
    number = _one_line(card.number, Style(Face.SANS, sheet.small * 1.35, INK, 0.03, 0.02, 0.5), sheet.code)
    canvas.line(middle, y, card.number, number)
    canvas.line(
        middle,
        y + 1.9 * sheet.small,
        LIVE,
        _one_line(LIVE, Style(Face.SANS, sheet.small, GREEN, align=0.5), sheet.code),
    )


def _detail(
    canvas: Canvas, sheet: Sheet, place: tuple[float, float], room: tuple[float, float], label: str, value: str
) -> None:
    x, y = place
    size = sheet.small
    canvas.rule(x, y, room[0], sheet.frame * 0.03, SOFT_GREEN)
    canvas.line(x, y + 0.5 * size, label, Style(Face.SANS, size * 0.92, GREY))
    block = fitted(Face.SANS, value, (room[0], room[1] - 1.7 * size), size * 1.3, 1.2)
    canvas.block(x, y + 1.65 * size, block, Style(Face.SANS, block.size, INK), 1.2)


def _one_line(text: str, style: Style, room: float) -> Style:
    """The style, smaller if need be for one line."""
    ems = width(style.face, text) + style.tracking * max(len(text) - 1, 0)
    return style if ems * style.size <= room else replace(style, size=room / ems)
