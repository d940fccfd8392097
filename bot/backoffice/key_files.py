"""Private keys of custodians: a file of their own each, sealed under a passphrase (Argon2id), never in the data folder."""

from __future__ import annotations

import os
from pathlib import Path

from nacl import pwhash, secret, utils
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey

MARK = b"HSK1"
_OPS, _MEMORY = pwhash.argon2id.OPSLIMIT_MODERATE, pwhash.argon2id.MEMLIMIT_MODERATE
LEAST_PASSPHRASE = 12


class KeyFileError(ValueError):
    """The key file cannot be made or opened; the text says in Chinese why."""


def make(path: Path, passphrase: str, data_dir: Path) -> bytes:
    """A new key pair; the private half goes into ``path``, readable by its owner alone. Returns the public half."""
    if path.resolve().is_relative_to(data_dir.resolve()):
        raise KeyFileError("私钥不能放在数据文件夹里：请放到保管人自己的 U 盘或电脑上。")
    if path.exists():
        raise KeyFileError(f"{path} 已经有文件了，请换一个名字。")
    if len(passphrase) < LEAST_PASSPHRASE:
        raise KeyFileError(f"口令至少 {LEAST_PASSPHRASE} 个字符。")
    key, salt = PrivateKey.generate(), utils.random(pwhash.argon2id.SALTBYTES)
    sealed = secret.SecretBox(_stretched(passphrase, salt)).encrypt(bytes(key))
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    except OSError as error:
        raise KeyFileError(f"写不了私钥文件 {path}：{error.strerror}。") from None
    with os.fdopen(handle, "wb") as out:
        out.write(MARK + salt + sealed)
        out.flush()
        os.fsync(out.fileno())
    return bytes(key.public_key)


def read(path: Path, passphrase: str) -> PrivateKey:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"读不了私钥文件 {path}：{error.strerror}。") from None
    salt, sealed = data[len(MARK) :][: pwhash.argon2id.SALTBYTES], data[len(MARK) + pwhash.argon2id.SALTBYTES :]
    try:
        return PrivateKey(secret.SecretBox(_stretched(passphrase, salt)).decrypt(sealed))
    except (CryptoError, ValueError, TypeError):
        raise KeyFileError("口令不对，或者不是诚信秤的私钥文件。") from None


def _stretched(passphrase: str, salt: bytes) -> bytes:
    return pwhash.argon2id.kdf(secret.SecretBox.KEY_SIZE, passphrase.encode(), salt, _OPS, _MEMORY)
