"""Pages from templates with escaping always on, and the addresses of their static files."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.responses import Response

HERE = Path(__file__).parent
STATIC = HERE / "static"


class VersionedFiles(StaticFiles):
    """Static files whose address carries a hash of their content, so a phone may keep them for a day."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=86400"
        return response


@cache
def asset(name: str) -> str:
    """The address of a static file; changes with its content."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:10]}"


_pages = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_pages.globals["asset"] = asset


def render(template: str, **values: object) -> str:
    return _pages.get_template(template).render(**values)
