"""Settings from the environment, prefix ``HONESTSCALE_``; a wrong one stops the start and says what to change."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from handlers.talk import Office


class SettingsError(ValueError):
    """A setting is unusable; the text names it and says what would do."""


class Settings(BaseSettings):
    """Every setting with its default: the defaults serve one shop-front machine on SQLite."""

    model_config = SettingsConfigDict(env_prefix="HONESTSCALE_", frozen=True, extra="ignore")

    data_dir: Path = Field(Path("var"), description="数据库、收到的文件和缓存放在这里")
    database_url: str = Field("", description="留空用 DATA_DIR 下的 SQLite；规模大时写 postgresql+psycopg://…")
    bureau_name: str = Field("市场监督管理局", min_length=2, max_length=30, description="答复里自称的单位名")
    hotline: str = Field("12315", pattern=r"^[0-9\-]{3,20}$", description="急事请打的电话")
    office_opens: time = Field(time(9, 0), description="上班时间")
    office_closes: time = Field(time(17, 30), description="下班时间")
    answer_by: time = Field(time(10, 0), description="下班后的咨询，承诺下一工作日几点前答复")
    worker_threads: int = Field(8, ge=1, le=64, description="PostgreSQL 上同时处理几条消息")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("只支持 sqlite:///路径 或 postgresql+psycopg://用户@主机/库")
        return value

    @field_validator("office_closes")
    @classmethod
    def _closes_after_opening(cls, value: time) -> time:
        if value.hour < 12:
            raise ValueError("下班时间要在中午以后，例如 17:30")
        return value

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{(self.data_dir / 'honestscale.db').absolute()}"

    @property
    def evidence_dir(self) -> Path:
        return self.data_dir / "evidence"

    @property
    def cache_dir(self) -> Path:
        return self.data_dir / "cache"

    def office(self) -> Office:
        return Office(self.bureau_name, self.hotline, self.office_opens, self.office_closes, self.answer_by)


def load_settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"HONESTSCALE_{'_'.join(map(str, e['loc'])).upper()} 不对：{e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        ]
        raise SettingsError("\n".join(lines)) from None
