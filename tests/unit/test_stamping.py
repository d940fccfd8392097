"""Time stamps by a real authority: OpenSSL's, behind a small server on this machine."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bot.backoffice import stamping
from bot.backoffice.stamping import StampError, stamp, stamped_at

OPENSSL = shutil.which("openssl")
if OPENSSL is None:
    pytest.skip("没有 openssl 命令行，造不出本地的时间戳机构", allow_module_level=True)

CONFIG = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[signer]
basicConstraints = CA:false
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[tsa]
default_tsa = authority
[authority]
dir = {folder}
serial = $dir/serial
crypto_device = builtin
signer_cert = $dir/signer.pem
signer_key = $dir/signer.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def openssl(*words: str) -> None:
    subprocess.run([OPENSSL, *words], check=True, capture_output=True)  # noqa: S603 - our own words


def found_authority(folder: Path) -> Path:
    """An authority with a root of its own; the folder it works in."""
    folder.mkdir()
    config = folder / "openssl.cnf"
    config.write_text(CONFIG.format(folder=folder), "utf-8")
    (folder / "serial").write_text("01\n", "utf-8")
    root, signer = (("-keyout", f"{folder}/{name}.key", "-subj", f"/CN={name}") for name in ("root", "signer"))
    common = ("-config", str(config), "-newkey", "rsa:2048", "-nodes")
    openssl("req", "-x509", *common, *root, "-extensions", "root", "-days", "3650", "-out", f"{folder}/root.pem")
    openssl("req", *common, *signer, "-out", f"{folder}/signer.csr")
    by = ("-CA", f"{folder}/root.pem", "-CAkey", f"{folder}/root.key", "-CAcreateserial")
    as_signer = ("-extfile", str(config), "-extensions", "signer", "-days", "3650")
    openssl("x509", "-req", "-in", f"{folder}/signer.csr", *by, *as_signer, "-out", f"{folder}/signer.pem")
    return folder


class Authority:
    """Answers queries as ``mode`` says: it stamps, refuses, talks nonsense, is out of order, or answers another query."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mode, self.asked = folder, "stamp", 0
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                authority.asked += 1
                query = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = authority.answer(query)
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_words: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/tsa"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def answer(self, query: bytes) -> tuple[int, bytes]:
        if self.mode in ("503", "302") or (self.mode == "503 once" and self.asked == 1):
            return int(self.mode[:3]), b""
        if self.mode == "nonsense":
            return 200, b"<html>maintenance</html>"
        asked = self.folder / "query.tsq"
        if self.mode != "an old answer" or not asked.exists():
            asked.write_bytes(query if self.mode != "refuse" else query[:-3])
        said = self.folder / "reply.tsr"
        config = str(self.folder / "openssl.cnf")
        openssl("ts", "-reply", "-config", config, "-queryfile", str(asked), "-out", str(said))
        return 200, said.read_bytes()

    @property
    def root(self) -> bytes:
        return (self.folder / "root.pem").read_bytes()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found_authority(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture
def authority(founded: Path) -> Iterator[Authority]:
    authority = Authority(founded)
    yield authority
    authority.close()


@pytest.fixture
def anchor(tmp_path: Path) -> Path:
    path = tmp_path / "2026-11-25.json"
    path.write_bytes(b'{"day":"2026-11-25"}\n')
    return path


def test_T23_a_stamp_says_when_the_file_was_there(authority: Authority, anchor: Path) -> None:
    place = stamp(anchor, authority.url)
    assert place == anchor.with_suffix(".tsr")
    assert abs(stamped_at(anchor, authority.root) - datetime.now(UTC)) < timedelta(minutes=2)
    assert sorted(path.name for path in anchor.parent.iterdir()) == ["2026-11-25.json", "2026-11-25.tsr"]


def test_T23_a_stamp_is_of_one_file_and_one_authority(authority: Authority, anchor: Path, tmp_path: Path) -> None:
    place = stamp(anchor, authority.url)
    other = found_authority(tmp_path / "other")
    with pytest.raises(StampError, match="对不上"):
        stamped_at(anchor, (other / "root.pem").read_bytes())
    whole = anchor.read_bytes()
    anchor.write_bytes(whole.replace(b"25", b"26"))
    with pytest.raises(StampError, match="对不上"):
        stamped_at(anchor, authority.root)
    anchor.write_bytes(whole)
    for at in range(60, len(place.read_bytes()), 97):
        data = bytearray(place.read_bytes())
        data[at] ^= 1
        place.with_name("2026-11-26.tsr").write_bytes(data)
        copied = anchor.with_name("2026-11-26.json")
        copied.write_bytes(whole)
        assert is_refused_or_the_same(copied, place, authority.root)


def is_refused_or_the_same(path: Path, sound: Path, root: bytes) -> bool:
    """A flipped bit may stand where nothing depends on it (an unused certificate); then the time must be the same."""
    try:
        at = stamped_at(path, root)
    except StampError:
        return True
    return at == stamped_at(sound.with_suffix(".json"), root)


@pytest.mark.parametrize(
    ("mode", "words", "asked"),
    [
        ("503", "HTTP 503", stamping.TRIES),
        ("302", "HTTP 302", stamping.TRIES),
        ("nonsense", "读不懂", 1),
        ("refuse", "没有盖", 1),
    ],
)
def test_what_is_no_stamp_is_not_kept(authority: Authority, anchor: Path, mode: str, words: str, asked: int) -> None:
    authority.mode = mode
    with pytest.raises(StampError, match=words):
        stamp(anchor, authority.url)
    assert authority.asked == asked
    assert [path.name for path in anchor.parent.iterdir()] == [anchor.name]


def test_somebody_elses_stamp_is_not_kept(authority: Authority, anchor: Path) -> None:
    other = anchor.with_name("2026-11-24.json")
    other.write_bytes(b'{"day":"2026-11-24"}\n')
    stamp(other, authority.url)
    authority.mode = "an old answer"
    with pytest.raises(StampError, match="不是给这个锚点的"):
        stamp(anchor, authority.url)
    assert not anchor.with_suffix(".tsr").exists()


def test_an_authority_that_stumbles_is_asked_again(authority: Authority, anchor: Path) -> None:
    authority.mode = "503 once"
    assert stamp(anchor, authority.url).exists()
    assert authority.asked == 2


def test_an_authority_that_is_not_there_is_said(anchor: Path) -> None:
    with pytest.raises(StampError, match="没盖上"):
        stamp(anchor, "http://127.0.0.1:9/tsa")


def test_a_certificate_that_is_none_is_said(authority: Authority, anchor: Path) -> None:
    stamp(anchor, authority.url)
    with pytest.raises(StampError, match="HONESTSCALE_TSA_CERTIFICATE"):
        stamped_at(anchor, b"no certificate")
