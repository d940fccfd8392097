"""``/healthz``: the process lives. ``/readyz``: it can take messages. ``/metrics``: numbers for Prometheus.

No page shows anything of a person; still ``/metrics`` is to be closed at the proxy. What has to be asked of the
database is asked once for all who want to know meanwhile: a stalled database costs one thread, not all of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.responses import JSONResponse, Response

from bot.app import Service
from bot.metrics import REGISTRY, oldest_turn_seconds
from bot.web.routes import route_with_limit
from bot.web.spoken import SpokenError
from storage.database import Session
from storage.figures import Figures, figures

log = logging.getLogger(__name__)
T = TypeVar("T")

ASKING_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Count:
    """Something a channel counts: ``family`` is a key of ``FAMILIES``, ``what`` its second label."""

    family: str
    channel: str
    what: str
    number: int


FAMILIES = {
    "seen": ("honestscale_platform_pushes", "What a platform sent, by kind or by why it was refused"),
    "delivered": ("honestscale_deliveries", "Attempts to deliver, by outcome"),
    "fetched": ("honestscale_fetches", "Things fetched from a platform: access tokens, files"),
}


class Asked(Generic[T]):
    """One question under way at a time, its answer shared by all who wait for it."""

    def __init__(self, ask: Callable[[], Future[T]]) -> None:
        self._ask = ask
        self._under_way: Future[T] | None = None

    async def answer(self) -> T:
        """``TimeoutError`` when there is none in time, else whatever the question raises."""
        if self._under_way is None or self._under_way.done():
            self._under_way = self._ask()
        # Shielded: the piece of work is not ours to cancel.
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._under_way)), ASKING_SECONDS)


class Health:
    """``channels`` are those that messages are sent to, ``counts`` what they count by themselves."""

    def __init__(
        self, service: Service, channels: Sequence[str] = (), counts: Callable[[], Iterable[Count]] = tuple
    ) -> None:
        self._service = service
        self._channels = channels
        self._counts = counts
        self._head = service.database.revision()  # the service has just brought it there
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._figures = Asked(lambda: self._thread.submit(self._look))
        self._writes = Asked(lambda: service.turns.submit(_begin))

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> Figures:
        with self._service.database.reading() as session:
            return figures(session, self._channels)

    async def alive(self) -> JSONResponse:
        return JSONResponse({"alive": True})

    async def ready(self) -> JSONResponse:
        """200, or 503 with the check that failed as false."""
        checks = {"database": False, "migrations": False, "writer": False}
        oldest_due = None
        try:
            found = await self._figures.answer()
        except Exception as error:
            _note("the database does not answer", error)
        else:
            checks |= {"database": True, "migrations": found.revision == self._head}
            oldest_due = _age(found)
        try:
            await self._writes.answer()
            checks["writer"] = True
        except Exception as error:
            _note("nothing can be written", error)
        good = all(checks.values())
        oldest_turn = round(oldest_turn_seconds(), 1)
        body = {"ready": good, "checks": checks, "oldest_due_seconds": oldest_due, "oldest_turn_seconds": oldest_turn}
        return JSONResponse(body, 200 if good else 503)

    async def metrics(self) -> Response:
        try:
            found = await self._figures.answer()
        except Exception as error:
            _note("no figures for the metrics", error)
            raise SpokenError(503) from None
        asked = CollectorRegistry(auto_describe=False)
        asked.register(Now(found, tuple(self._counts())))
        return Response(generate_latest(REGISTRY) + generate_latest(asked), media_type=CONTENT_TYPE_LATEST)


class Now(Collector):
    """The tables and the channels' own counts at one instant."""

    def __init__(self, found: Figures, counts: Sequence[Count]) -> None:
        self._found = found
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        rows = GaugeMetricFamily("honestscale_outbox", "Messages not simply sent", labels=["channel", "state"])
        for (channel, state), number in self._found.outbox.items():
            rows.add_metric([channel, state], number)
        media = GaugeMetricFamily("honestscale_media_waiting", "Files still to be fetched", labels=["channel"])
        for channel, number in self._found.media.items():
            media.add_metric([channel], number)
        yield rows
        yield media
        yield _gauge("honestscale_outbox_oldest_due_seconds", "Age of the oldest due message", _age(self._found))
        yield _gauge("honestscale_parked", "Messages set aside for a person to look at", self._found.parked)
        yield _gauge("honestscale_oldest_turn_seconds", "Age of the oldest unfinished turn", oldest_turn_seconds())
        for family, (name, meaning) in FAMILIES.items():
            counter = CounterMetricFamily(name, meaning, labels=["channel", "what"])
            for count in self._counts:
                if count.family == family:
                    counter.add_metric([count.channel, count.what], count.number)
            yield counter


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=value)


def _age(found: Figures) -> float:
    """Seconds since the oldest message was due; 0 when none is, or none yet."""
    if found.oldest_due is None:
        return 0.0
    return round(max((datetime.now(UTC) - found.oldest_due).total_seconds(), 0.0), 1)


def _note(what: str, error: Exception) -> None:
    """The kind of error only: a driver's text may hold what was being written."""
    log.warning("%s: %s", what, type(error).__name__)


def _begin(session: Session) -> None:
    """Nothing, but as a transaction of the database: it needs the writer, and on SQLite the write lock."""
    session.connection()


def create_health_router(health: Health) -> APIRouter:
    router = APIRouter(include_in_schema=False, route_class=route_with_limit(0))
    router.get("/healthz")(health.alive)
    router.get("/readyz")(health.ready)
    router.get("/metrics")(health.metrics)
    return router
