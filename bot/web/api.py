"""The open question-and-answer interface: one question in, one answer out, and a page that describes it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict
from starlette.responses import HTMLResponse, JSONResponse

from bot.web.limits import Buckets
from bot.web.routes import route_with_limit
from bot.web.templating import render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.routing import BaseRoute

    from bot.web.ports import ChatPort

Question = Annotated[str, Query(alias="q", min_length=1, max_length=2048, description="问题，一句话")]
Context = Annotated[str | None, Query(alias="ctx", max_length=2048, description="同一个人的上一句")]
OnDay = Annotated[date | None, Query(description="按哪一天的规定回答，例如 2026-05-20；不填按今天")]


class AskAnswer(BaseModel):
    """``decision`` says whether there is an answer, a choice between few, or none; ``ms`` is the time it took."""

    model_config = ConfigDict(extra="ignore")

    decision: str
    aspect: str | None = None
    ids: list[str] = []
    choices: list[str] = []
    text: str = ""
    ms: float = 0.0


def create_api_router(port: ChatPort, described: Sequence[BaseRoute] = ()) -> APIRouter:
    """``GET /api/ask``, the schema of it and of ``described`` routes, and the page that shows the schema."""
    router = APIRouter(prefix="/api", route_class=route_with_limit(1024))
    asking = Buckets(60, 6.0)

    async def ask(request: Request, query: Question, context: Context = None, on: OnDay = None) -> AskAnswer:
        """问一个问题。没有把握时给几个选项，或者如实说不知道。"""
        # There is no session here, so the address it is; programs, not market halls, call this.
        asking.demand(request.client.host if request.client else "")
        return AskAnswer.model_validate(await to_thread.run_sync(port.ask, query, context, on))

    def schema(request: Request) -> dict[str, Any]:
        return get_openapi(title="诚信秤开放接口", version=request.app.version, routes=[*router.routes, *described])

    async def openapi(request: Request) -> JSONResponse:
        return JSONResponse(schema(request))

    async def docs(request: Request) -> HTMLResponse:
        described_api = schema(request)
        return HTMLResponse(render("api.html", info=described_api["info"], operations=list(operations(described_api))))

    router.get("/ask", tags=["问答"])(ask)
    router.get("/openapi.json", include_in_schema=False)(openapi)
    router.get("/docs", include_in_schema=False)(docs)
    return router


def operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The operations of an OpenAPI schema in the order of its paths, flat, as the page lists them."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield {
                "method": method.upper(),
                "path": path,
                "says": operation.get("description", ""),
                "parameters": operation.get("parameters", []),
                "body": _body_fields(schema, operation),
                "bearer": bool(operation.get("security")),
            }


def _body_fields(schema: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = []
    for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
        model = media["schema"]
        if "$ref" in model:
            model = schema["components"]["schemas"][model["$ref"].rsplit("/", 1)[-1]]
        required = model.get("required", [])
        fields += [{"name": name, "type": media_type, "required": name in required} for name in model["properties"]]
    return fields
