"""Settings from the environment, prefix ``HONESTSCALE_``; a wrong one stops the start and says what to change."""

from __future__ import annotations

import ipaddress
import os
import re
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Any, Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from handlers.talk import Office


class SettingsError(ValueError):
    """A setting is unusable; the text names it and says what would do."""


class WechatMode(StrEnum):
    SAFE = "safe"
    PLAIN = "plain"


class TelegramMode(StrEnum):
    OFF = "off"
    WEBHOOK = "webhook"
    POLLING = "polling"


NONE = SecretStr("")
ABILITIES = frozenset(("customer", "template", "subscribe-standing", "subscribe-once"))
"""What an Official Account may or may not be allowed to do, by its kind and certification."""
CHANNEL_NAMES = {"wechat": "微信", "telegram": "Telegram", "web": "网页", "terminal": "终端"}
WITHOUT_FILES = frozenset(("wechat",))
"""An Official Account is sent photos and words, no files (developers.weixin.qq.com, 接收普通消息)."""
SECRETS = (
    "database_url",
    "wechat_app_secret",
    "wechat_token",
    "wechat_aes_key",
    "wechat_aes_key_previous",
    "telegram_token",
    "telegram_webhook_secret",
)
"""Settings that may each be a file in ``SECRETS_DIR``, named like the setting in small letters without the prefix."""

SHAPES = {
    "bureau_name": "2 到 30 个字",
    "hotline": "3 到 20 位数字，可以带 -",
    "wechat_app_id": "wx 加 16 位数字或小写 a 到 f，从公众平台复制",
    "telegram_name": "机器人的用户名，5 到 32 位字母数字或 _，不带 @",
    "telegram_staff": "数字 ID，几个之间用英文逗号隔开，不留空格",
}
"""What would do, for settings whose shape is a length or a pattern."""


class Settings(BaseSettings):
    """Every setting with its default: the defaults serve one shop-front machine on SQLite."""

    model_config = SettingsConfigDict(env_prefix="HONESTSCALE_", frozen=True, extra="ignore")

    data_dir: Path = Field(Path("var"), description="数据库、收到的文件和缓存放在这里")
    database_url: str = Field("", description="留空用 DATA_DIR 下的 SQLite；规模大时写 postgresql+psycopg://…")
    bureau_name: str = Field("市场监督管理局", min_length=2, max_length=30, description="答复里自称的单位名")
    hotline: str = Field("12315", pattern=r"^[0-9\-]{3,20}$", description="急事请打的电话")
    office_opens: time = Field(time(9, 0), description="上班时间")
    office_closes: time = Field(time(17, 30), description="下班时间")
    districts: str = Field("", description="辖区，地区码和名称，逗号隔开：330302:鹿城区,330303:龙湾区")
    statutory_intake: bool = Field(
        default=False, description="本局已公布机器人为投诉举报的法定接收渠道就写 true；不然按“转 12315”说明"
    )
    tsa_url: str = Field("", description="可信时间戳服务（RFC 3161）的网址；填了就给每日审计锚点盖时间戳")
    tsa_certificate: Path | None = Field(None, description="时间戳服务的根证书（PEM），用来验时间戳")
    answer_by: time = Field(time(10, 0), description="下班后的咨询，承诺下一工作日几点前答复")
    worker_threads: int = Field(8, ge=1, le=64, description="PostgreSQL 上同时处理几条消息")

    secrets_dir: str = Field("", description="密码和密钥可各放一个文件在这里，文件名如 wechat_app_secret")
    public_url: str = Field("", description="用户看得到的网址，如 https://jl.example.gov.cn，末尾不带斜杠")

    wechat_app_id: str = Field("", pattern=r"^(wx[0-9a-f]{16})?$", description="公众号 AppID；留空就不开微信")
    wechat_app_secret: SecretStr = Field(NONE, description="公众号 AppSecret")
    wechat_token: SecretStr = Field(NONE, description="服务器配置里的 Token，3 到 32 位字母数字")
    wechat_aes_key: SecretStr = Field(NONE, description="服务器配置里的 EncodingAESKey，43 位")
    wechat_aes_key_previous: SecretStr = Field(NONE, description="换钥期间的上一个 EncodingAESKey，换完删掉")
    wechat_api_base: str = Field("https://api.weixin.qq.com", description="微信接口地址")
    wechat_mode: WechatMode = Field(WechatMode.SAFE, description="safe 安全模式；plain 明文，只能在本机开发用")
    wechat_abilities: str = Field(
        "", description="账号能做什么，逗号隔开：customer,template,subscribe-standing,subscribe-once"
    )
    wechat_notices: str = Field("", description="通知模板文件（YAML）；没有就不发通知")

    telegram_mode: TelegramMode = Field(TelegramMode.OFF, description="webhook、polling 或 off")
    telegram_token: SecretStr = Field(NONE, description="Telegram 机器人令牌")
    telegram_api_base: str = Field("https://api.telegram.org", description="Telegram 接口地址")
    telegram_webhook_secret: SecretStr = Field(NONE, description="回调暗号，32 位以上的字母数字 _ -")
    telegram_assessment_ref: str = Field("", description="数据出境安全评估文号；填了才在 Telegram 上办涉及个人信息的事")
    telegram_name: str = Field(
        "", pattern=r"^([A-Za-z0-9_]{5,32})?$", description="机器人的用户名，不带 @；填了绑定时给出直达链接"
    )
    telegram_staff: str = Field("", pattern=r"^(\d+(,\d+)*)?$", description="工作人员的 Telegram 数字 ID，逗号隔开")

    @model_validator(mode="after")
    def _channels_are_complete(self) -> Self:
        if self.wechat_app_id:
            self._complete_wechat()
        if self.telegram_mode is not TelegramMode.OFF:
            self._complete_telegram()
        return self

    def _complete_wechat(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9]{3,32}", self.wechat_token.get_secret_value()):
            raise ValueError("开了微信就要填 HONESTSCALE_WECHAT_TOKEN：3 到 32 位字母数字，与公众平台里填的一样")
        if self.wechat_mode is WechatMode.SAFE and not _is_aes_key(self.wechat_aes_key):
            raise ValueError("安全模式要填 HONESTSCALE_WECHAT_AES_KEY：43 位，从公众平台复制")
        if self.wechat_aes_key_previous.get_secret_value() and not _is_aes_key(self.wechat_aes_key_previous):
            raise ValueError("HONESTSCALE_WECHAT_AES_KEY_PREVIOUS 要么留空，要么是 43 位的旧密钥")
        if (
            self.wechat_mode is WechatMode.PLAIN
            and self.public_url
            and not is_local(urlsplit(self.public_url).hostname)
        ):
            raise ValueError("HONESTSCALE_WECHAT_MODE=plain 只能在本机开发用；对外服务请改成 safe")
        unknown = self.abilities - ABILITIES
        if unknown:
            raise ValueError(f"HONESTSCALE_WECHAT_ABILITIES 里不认识 {'、'.join(sorted(unknown))}")

    def _complete_telegram(self) -> None:
        if not re.fullmatch(r"\d+:[A-Za-z0-9_-]{20,}", self.telegram_token.get_secret_value()):
            raise ValueError("开了 Telegram 就要填 HONESTSCALE_TELEGRAM_TOKEN，形如 123456:ABC…")
        if self.telegram_mode is TelegramMode.WEBHOOK and not re.fullmatch(
            r"[A-Za-z0-9_-]{32,256}", self.telegram_webhook_secret.get_secret_value()
        ):
            raise ValueError(
                "回调方式要填 HONESTSCALE_TELEGRAM_WEBHOOK_SECRET：32 到 256 位字母、数字、_ 或 -，请随机生成"
            )

    @field_validator("wechat_api_base", "telegram_api_base", "public_url", "tsa_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parts = _split(value)
        if value and (parts is None or parts.scheme not in ("https", "http") or not parts.hostname):
            raise ValueError("要写成 https://主机 这样的网址")
        if parts is not None and parts.scheme == "http" and not is_local(parts.hostname):
            raise ValueError("对外的网址要用 https")
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("只支持 sqlite:///路径 或 postgresql+psycopg://用户@主机/库")
        return value

    @field_validator("districts")
    @classmethod
    def _are_districts(cls, value: str) -> str:
        if value and not re.fullmatch(r"\d{6}:[^,:]{2,12}(,\d{6}:[^,:]{2,12})*", value):
            raise ValueError("要写成 330302:鹿城区,330303:龙湾区 这样，六位地区码加名称")
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
    def keys_dir(self) -> Path:
        return self.data_dir / "keys"

    @property
    def anchors_dir(self) -> Path:
        return self.data_dir / "anchors"

    @property
    def cache_dir(self) -> Path:
        return self.data_dir / "cache"

    @property
    def abilities(self) -> frozenset[str]:
        return frozenset(word.strip() for word in self.wechat_abilities.split(",") if word.strip())

    @property
    def telegram_staff_ids(self) -> frozenset[str]:
        return frozenset(filter(None, self.telegram_staff.split(",")))

    def secrets(self) -> tuple[str, ...]:
        """Every secret value, so that logs can leave them out."""
        values = (getattr(self, name) for name in type(self).model_fields)
        found = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        return tuple(filter(None, [*found, *_passwords(self.database_url)]))

    def office(self) -> Office:
        return Office(
            self.bureau_name,
            self.hotline,
            self.office_opens,
            self.office_closes,
            self.answer_by,
            public_url=self.public_url,
            telegram_name=self.telegram_name,
            notices=bool(self.wechat_notices),
            channel_names=CHANNEL_NAMES,
            without_files=WITHOUT_FILES,
            districts=dict(part.split(":") for part in self.districts.split(",") if part),
            statutory_intake=self.statutory_intake,
        )

    @property
    def public_only(self) -> frozenset[str]:
        """Channels without matters that hold personal information: abroad, as long as nobody has assessed it
        (个人信息保护法第三十六条)."""
        return frozenset() if self.telegram_assessment_ref else frozenset(("telegram",))

    @property
    def staff(self) -> frozenset[tuple[str, str]]:
        return frozenset(("telegram", number) for number in self.telegram_staff_ids)


def _passwords(url: str) -> list[str]:
    """The password in a database address, as written and as meant; it may also stand among the parameters."""
    parts = _split(url)
    if parts is None:
        return []
    written = parts.password or ""
    return [written, unquote(written), *parse_qs(parts.query).get("password", [])]


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def is_local(host: str | None) -> bool:
    """Whether a host name can only be reached from this machine."""
    if host in ("localhost", None):
        return host == "localhost"
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_aes_key(key: SecretStr) -> bool:
    return re.fullmatch(r"[A-Za-z0-9]{43}", key.get_secret_value()) is not None


def load_settings() -> Settings:
    files: dict[str, Any] = _secret_files(os.environ.get("HONESTSCALE_SECRETS_DIR", ""))
    try:
        return Settings(**files)
    except ValidationError as error:
        raise SettingsError("\n".join(map(_complaint, error.errors()))) from None


def _complaint(error: Any) -> str:
    """One error as a sentence: which setting, and what would do. The value itself is never shown: it may be a secret."""
    if not error["loc"]:
        return str(error["ctx"]["error"])
    name = str(error["loc"][0])
    return f"HONESTSCALE_{name.upper()} 不对：{_what_would_do(name, error['type'], error.get('ctx', {}))}"


def _what_would_do(name: str, kind: str, limits: dict[str, Any]) -> str:
    if kind == "value_error":
        return str(limits["error"])
    if kind in ("greater_than_equal", "less_than_equal") or kind.startswith("int"):
        least, most = (next(getattr(m, k) for m in _limits(name) if hasattr(m, k)) for k in ("ge", "le"))
        return f"要写 {least} 到 {most} 之间的整数"
    if kind == "enum":
        known = re.findall("'([^']*)'", limits["expected"])
        return f"只能写 {'、'.join(known)} 之一"
    if kind.startswith("time"):
        return "时刻要写成 09:00 这样"
    return f"要写 {SHAPES[name]}" if name in SHAPES else f"这样写不行（{Settings.model_fields[name].description}）"


def _limits(name: str) -> list[Any]:
    return Settings.model_fields[name].metadata


def _secret_files(folder: str) -> dict[str, str]:
    """The secrets that lie in files; a file is taken before the environment."""
    if not folder:
        return {}
    if not Path(folder).is_dir():
        raise SettingsError(f"HONESTSCALE_SECRETS_DIR 不对：没有 {folder} 这个文件夹")
    files = {name: Path(folder) / name for name in SECRETS}
    return {name: _secret(path) for name, path in files.items() if path.is_file()}


def _secret(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise SettingsError(f"读不了 {path}：{error.strerror}。请检查文件的权限") from None
    except UnicodeDecodeError:
        raise SettingsError(f"读不了 {path}：里面要是一行 UTF-8 文字") from None
