"""What stands behind the public pages of pledges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from bot.times import utc_now
from bot.web.ports import ListedPledge, PledgeList, SeenPledge
from handlers.ledger.shops import trade_name
from handlers.pledge.standing import Shown, shown
from handlers.talk import SHANGHAI
from storage import pledges, signing
from storage.pledges import Pledge, Status
from storage.shops import Shop
from storage.signing import About

if TYPE_CHECKING:
    from bot.app import Service

TARGET = 1_000
"""How many the city wants to have pledged (温州 2025: 1000 家以上)."""
PAGE = 100
GOOD = (Status.VALID, Status.EXPIRING)


class PledgeDesk:
    """``PledgePort`` over the service."""

    def __init__(self, service: Service, clock: Callable[[], datetime] = utc_now) -> None:
        self._service = service
        self._bench = service.reception.bench
        self._clock = clock

    def see(self, number: str, signature: str) -> SeenPledge | None:
        with self._service.database.reading() as session:
            found = pledges.by_number(session, number)
            if found is None:
                return None
            seen = shown(session, *found, self._today())
        return self._seen(seen, found[0], signature)

    def list(self, district: str, sector: str, after: int) -> PledgeList:
        where, today = self._district(district), self._today()
        with self._service.database.reading() as session:
            rows = pledges.listed(session, today, district=where, sector=sector, after=after, limit=PAGE + 1)
            total = pledges.count_listed(session, today)
        shown_rows = tuple(_listed(row, shop) for row, shop in rows[:PAGE])
        more = rows[PAGE - 1][0].id if len(rows) > PAGE else 0
        return PledgeList(shown_rows, total, TARGET, more)

    def _seen(self, seen: Shown, row: Pledge, signature: str) -> SeenPledge:
        about = About(row.shop_name, row.signed_on)
        genuine = signing.checks(self._bench.signer.public, signature, row.number, about) if signature else None
        return SeenPledge(
            number=seen.number,
            shop=seen.shop,
            district=seen.district,
            sector=trade_name(seen.sector),
            good=seen.status in GOOD and genuine is not False,
            label=seen.label,
            signed_on=seen.signed_on,
            valid_until=seen.valid_until,
            share=seen.share,
            percent=seen.valid * 100 // seen.must if seen.must else None,
            confirmed=seen.confirmed,
            text=tuple(seen.text.split("\n")),
            genuine=genuine,
        )

    def _district(self, said: str) -> str:
        """A district of the bureau by the beginning of its name as well: 鹿城 for 鹿城区."""
        names = self._bench.office.districts.values()
        return next((name for name in names if said and name.startswith(said)), said)

    def _today(self) -> date:
        return self._clock().astimezone(SHANGHAI).date()


def _listed(row: Pledge, shop: Shop) -> ListedPledge:
    # The name as it was signed: what the card and the page of the number say.
    return ListedPledge(
        row.number, row.shop_name, shop.district, trade_name(shop.sector), row.signed_on, row.valid_until
    )
