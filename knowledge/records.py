"""One measuring instrument as somebody described it: in a line of chat, a row of a table, a certificate."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class InstrumentRecord:
    """What was said of an instrument; empty where nothing was.

    ``kind`` is the id in ``instruments.yaml``, empty when the name was not recognised; ``name`` is as it was written.
    ``due_on`` is the last day on which the verification is valid (有效期至), as it was written, not as computed.
    """

    kind: str = ""
    name: str = ""
    model: str = ""
    serial: str = ""
    count: int = 1
    maker: str = ""
    place: str = ""
    verified_on: date | None = None
    due_on: date | None = None
    certificate_no: str = ""
    institution: str = ""
    conclusion: str = ""

    def to_json(self) -> dict[str, Any]:
        return {name: v.isoformat() if isinstance(v, date) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> InstrumentRecord:
        """Unknown keys of another version are left aside."""
        known = {f.name for f in fields(cls)} & data.keys()
        given = {n: data[n] for n in known - {"verified_on", "due_on"}}
        days: dict[str, Any] = {n: date.fromisoformat(data[n]) for n in ("verified_on", "due_on") if data.get(n)}
        return cls(**given | days)


def serial_key(serial: str) -> str:
    """A serial number (出厂编号) as it is compared: half width, capitals, no blanks, dashes or 编号/No. in front."""
    text = unicodedata.normalize("NFKC", serial).upper()
    text = re.sub(r"^(?:出厂|器具|机身)?(?:编号|号码|序列号|号)?(?:NO\.?|SN|S/N|#)?[\s:.]*", "", text.strip())
    return re.sub(r"[\s\-–—_]+", "", text)
