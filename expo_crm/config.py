"""Settings: frozen, read once from the environment, refusing to start when wrong."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
WEB_THREADS = 4  # of each web process
WEAK_SECRETS = {"", "secret", "changeme", "dev", "development", "12345", "password"}


class ConfigError(Exception):
    """A setting is missing or wrong; the message says which and what it should be."""


@dataclass(frozen=True)
class Smtp:
    """Where mail leaves. ``host`` empty means: keep it in the outbox."""

    host: str = ""
    port: int = 587
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = "starttls"  # starttls | ssl | none
    sender: str = "expo@localhost"


@dataclass(frozen=True)
class Settings:
    """Everything the process takes from outside.

    ``base_url`` is the address that links in mails and QR codes carry; request headers never decide it.
    ``proxies`` is the number of reverse proxies whose X-Forwarded-* headers are believed.
    """

    secret_key: str = field(repr=False)
    database_url: str
    instance_path: Path
    base_url: str = "http://127.0.0.1:5000"
    proxies: int = 0
    smtp: Smtp = Smtp()
    testing: bool = False
    secure_cookies: bool = False
    pool_size: int = 8
    scan_rate: int = 20  # scans a second that one device may send; 0 is no limit
    faults: str = ""  # a plan of expo_crm.faults, for tests

    def __post_init__(self) -> None:
        if self.secret_key.lower() in WEAK_SECRETS or len(self.secret_key) < 24:
            raise ConfigError("EXPO_SECRET_KEY must be at least 24 random characters")
        if not self.database_url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ConfigError("EXPO_DATABASE_URL must start with sqlite:/// or postgresql://")
        if urlsplit(self.base_url).scheme not in {"http", "https"}:
            raise ConfigError("EXPO_BASE_URL must be an http(s) address")
        if self.faults and not self.testing:
            raise ConfigError("EXPO_FAULTS breaks things on purpose and works only with EXPO_TESTING=1")
        if self.smtp.tls not in {"starttls", "ssl", "none"}:
            raise ConfigError("EXPO_SMTP_TLS must be starttls, ssl or none")

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


def from_env(environ: dict[str, str] | None = None) -> Settings:
    """Settings from ``EXPO_*`` variables; a secret key is made and kept in the instance folder when none is given.

    Raises ConfigError when a value is unusable.
    """
    env = dict(os.environ if environ is None else environ)
    instance = Path(env.get("EXPO_INSTANCE", ROOT / "instance")).resolve()
    instance.mkdir(parents=True, exist_ok=True)
    base_url = env.get("EXPO_BASE_URL", f"http://127.0.0.1:{env.get('PORT', '5000')}").rstrip("/")
    return Settings(
        secret_key=env.get("EXPO_SECRET_KEY") or _kept_secret(instance),
        database_url=env.get("EXPO_DATABASE_URL") or f"sqlite:///{instance / 'expo.sqlite3'}",
        instance_path=instance,
        base_url=base_url,
        proxies=_int(env, "EXPO_PROXIES", 0),
        pool_size=_int(env, "EXPO_POOL_SIZE", 8),
        scan_rate=_int(env, "EXPO_SCAN_RATE", 20),
        secure_cookies=base_url.startswith("https://"),
        testing=env.get("EXPO_TESTING") == "1",
        faults=env.get("EXPO_FAULTS", ""),
        smtp=Smtp(
            host=env.get("EXPO_SMTP_HOST", ""),
            port=_int(env, "EXPO_SMTP_PORT", 587),
            user=env.get("EXPO_SMTP_USER", ""),
            password=env.get("EXPO_SMTP_PASSWORD", ""),
            tls=env.get("EXPO_SMTP_TLS", "starttls"),
            sender=env.get("EXPO_SMTP_FROM", "expo@localhost"),
        ),
    )


def _int(env: dict[str, str], name: str, default: int) -> int:
    try:
        return int(env.get(name) or default)
    except ValueError:
        raise ConfigError(f"{name} must be a whole number") from None


def _kept_secret(instance: Path) -> str:
    """One secret per installation, created once with owner-only rights."""
    path = instance / "secret_key"
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    key = secrets.token_urlsafe(48)
    with os.fdopen(handle, "w") as stream:
        stream.write(key)
    return key
