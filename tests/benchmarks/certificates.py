"""How much of a certificate is read right, field by field, over a made set of photos and PDF files with known contents.

``python -m tests.benchmarks.certificates [SEED]`` also lists every field that was read wrong. The readers are the
bot's own limited children, two at a time; what is compared is what the person would be shown to confirm.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

from bot.ocr import UnreadableError, read_lines
from knowledge.certificates import CertificateFields, read_certificate
from tests.certificates import Sample, samples

FINAL_SEED = 4711
"""Not the one that settings were tried on."""
AT_ONCE = 2
COMPARED = ("certificate_no", "instrument", "model", "serial", "verified_on", "due_on", "conclusion", "institution")
TARGET = {"certificate_no": "95", "verified_on": "95", "due_on": "95"}
NOTHING = CertificateFields()
Row = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of one sample; ``fields`` is None when the file was refused."""

    sample: Sample
    fields: CertificateFields | None
    seconds: float

    def right(self, name: str) -> bool:
        return same(getattr(self.fields or NOTHING, name), getattr(self.sample.truth, name))

    def misleading(self) -> bool:
        """A wrong date or number that nothing warns of; an empty one is asked for."""
        fields = self.fields or NOTHING
        return not fields.doubts and any(getattr(fields, n) and not self.right(n) for n in TARGET)


def same(read: str | date | None, written: str | date | None) -> bool:
    """Characters and their order count; width, blanks, capitals and the kind of dash do not."""
    return _folded(read) == _folded(written)


def _folded(value: str | date | None) -> str:
    text = unicodedata.normalize("NFKC", str(value or ""))
    return re.sub(r"\s", "", re.sub(r"[‐-―−]", "-", text)).upper()


def read(sample: Sample) -> Reading:
    begun = time.perf_counter()
    try:
        fields = read_certificate(read_lines(sample.data, sample.media_type))
    except UnreadableError:
        fields = None
    return Reading(sample, fields, time.perf_counter() - begun)


def readings(seed: int) -> list[Reading]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(read, samples(seed)))


def measured(results: Sequence[Reading]) -> Iterator[Row]:
    readable = [r for r in results if r.sample.readable]
    for name in COMPARED:
        stated = [r for r in readable if getattr(r.sample.truth, name)]
        share = 100 * sum(r.right(name) for r in stated) / len(stated)
        target = TARGET.get(name, "")
        yield (
            f"certificates ({len(stated)} state it): {name} right, %",
            f"{share:.1f}",
            target,
            "target" if target else "",
        )
    invented = sum(not getattr(r.sample.truth, n) and not r.right(n) for r in readable for n in COMPARED)
    yield (
        f"certificates ({len(readable)} readable): fields read that are not on the paper",
        str(invented),
        "0",
        "target",
    )
    doubtless = sum(r.misleading() for r in readable)
    yield f"certificates ({len(readable)} readable): wrong date or number shown without a doubt", str(doubtless), "", ""
    yield from _hopeless([r for r in results if not r.sample.readable])
    times = sorted(r.seconds for r in readable)
    yield f"certificate, s to read, p50 ({AT_ONCE} at once)", f"{times[len(times) // 2]:.1f}", "", ""
    yield f"certificate, s to read, longest ({AT_ONCE} at once)", f"{times[-1]:.1f}", "", ""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    yield "certificate, MB of the reading child at most", f"{peak:.0f}", "", ""


def _hopeless(results: Sequence[Reading]) -> Iterator[Row]:
    """What nobody could read: refusing it is right, showing a wrong date or number is not."""
    refused = sum(r.fields is None for r in results)
    wrong = sum(any(getattr(r.fields or NOTHING, n) and not r.right(n) for n in TARGET) for r in results)
    yield f"certificates ({len(results)} unreadable): refused", str(refused), "", ""
    yield f"certificates ({len(results)} unreadable): with a wrong date or number", str(wrong), "0", "target"


def mistakes(results: Sequence[Reading]) -> Iterator[str]:
    for number, result in enumerate(results):
        for name in COMPARED:
            if result.sample.readable and not result.right(name):
                read_as = getattr(result.fields or NOTHING, name)
                yield f"{number} {result.sample.name}: {name} {getattr(result.sample.truth, name)} read as {read_as}"


def rows() -> list[Row]:
    """In a process of its own, so that the memory is that of its children and of no other."""
    command = [sys.executable, "-m", "tests.benchmarks.certificates", "json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own module
    return [(a, b, c, d) for a, b, c, d in json.loads(answer.stdout)]


if __name__ == "__main__":
    if sys.argv[1:] == ["json"]:
        print(json.dumps(list(measured(readings(FINAL_SEED)))))
    else:
        done = readings(int(sys.argv[1]) if sys.argv[1:] else FINAL_SEED)
        for row in measured(done):
            print("  ".join(row).rstrip())
        print("\n".join(mistakes(done)))
