"""What keeps a process from its database, in words for whoever starts it."""

from __future__ import annotations

from urllib.parse import urlsplit

DRIVER = "psycopg"


def why_no_database(error: Exception, url: str) -> str | None:
    """One sentence saying what to check, or None when the database is not to blame. No password is shown."""
    if isinstance(error, ModuleNotFoundError):
        hint = "请装 requirements-postgres.lock 里的软件包，或把 HONESTSCALE_DATABASE_URL 留空改用 SQLite。"
        return f"缺 PostgreSQL 的驱动：{hint}" if error.name == DRIVER else None
    from storage.database import is_away  # noqa: PLC0415 - only when something went wrong: it takes a while to load

    if not is_away(error):
        return None
    if url.startswith("sqlite:"):
        path = url.removeprefix("sqlite:///")
        return f"打不开数据库文件 {path}：请检查文件夹的权限和磁盘空间，并看有没有别的程序占着它。"
    parts = urlsplit(url)
    at = f"{parts.hostname or '本机'} 上的库 {parts.path.lstrip('/') or '（没写库名）'}"
    return f"连不上 {at}：请看 PostgreSQL 有没有启动，HONESTSCALE_DATABASE_URL 里的主机、端口、用户、密码和库名对不对。"
