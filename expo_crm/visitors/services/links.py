"""The address of a visitor's own page.

The token is derived from the installation's secret and the registration, so that every later mail can name the same address
although the database keeps only its hash.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from flask import current_app

from expo_crm.db import db
from expo_crm.lib import ids
from expo_crm.visitors.models import Registration


def derive(purpose: str, value: str) -> str:
    """A 192-bit url-safe token that only this installation can compute."""
    key = str(current_app.secret_key).encode()
    digest = hmac.new(key, f"{purpose}\0{value}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


def page_token(registration: Registration) -> str:
    """The token of this registration's page; its hash is stored when it is not yet (or when the secret was changed)."""
    token = derive("visitor-page", str(registration.id))
    hashed = ids.hash_token(token)
    if registration.token_hash != hashed:
        registration.token_hash = hashed
        db.session.flush()
    return token


def page_url(registration: Registration) -> str:
    """The whole address, for mails; also from background work, where there is no request."""
    base: str = current_app.config["SETTINGS"].base_url
    path = current_app.url_map.bind("").build("visitors.ticket", {"token": page_token(registration)})
    return base + path
