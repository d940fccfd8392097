"""Where the product's own facts lie and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class DataError(ValueError):
    """A fact is not as it must be; the text names file, entry and field."""


DATA = Path(__file__).parent / "data"


def load_yaml(path: Path) -> Any:
    # The C loader is about ten times faster and the start of the program waits for it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with path.open(encoding="utf-8") as handle:
        try:
            return yaml.load(handle, Loader=loader)  # noqa: S506 - a safe loader, in C where available
        except (yaml.YAMLError, ValueError) as error:
            raise DataError(f"{path.name}：读不了，请检查格式或日期：{error}") from None
