"""Signing in and out, one-time links, the throttle."""

from __future__ import annotations

import datetime as dt

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app, g, request
from flask_login import UserMixin, current_user, login_user, logout_user
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import joinedload

from expo_crm.accounts.domain.password import problem_with
from expo_crm.accounts.domain.roles import Role
from expo_crm.accounts.models import OneTimeLink, SavedView, SignInAttempt, User, UserRole, UserSession
from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock, ids
from expo_crm.web.policy import ANONYMOUS, Principal

# OWASP's profile for argon2id; about 40 ms a hash on the project's reference machine.
hasher = PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1)
_DUMMY = hasher.hash("nobody has this password")

SESSION_FOR = dt.timedelta(days=7)
IDLE_FOR = dt.timedelta(hours=8)
LINK_FOR = {
    "first_admin": dt.timedelta(hours=24),
    "staff": dt.timedelta(hours=72),
    "portal": dt.timedelta(hours=72),
    "reset": dt.timedelta(hours=1),
}
ATTEMPTS, WINDOW = 10, dt.timedelta(minutes=15)


class SignedIn(UserMixin):
    """What Flask-Login sees: a session, identified by its token."""

    def __init__(self, token: str, user: User) -> None:
        self.token, self.user = token, user

    def get_id(self) -> str:
        return self.token

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def email(self) -> str:
        return self.user.email


def load_session(token: str) -> SignedIn | None:
    """The live session of a cookie, or None. ``seen_at`` moves at most once a minute, with the next writing request."""
    now = clock.now()
    row = db.session.scalar(
        select(UserSession)
        .where(UserSession.token_hash == ids.hash_token(token))
        .options(joinedload(UserSession.user).joinedload(User.roles))
    )
    if row is None or row.ended_at or row.expires_at < now or row.seen_at < now - IDLE_FOR or not row.user.active:
        return None
    if row.seen_at < now - dt.timedelta(minutes=1):
        g.session_seen = row.id
        if request.method == "POST":
            row.seen_at = now
        elif row.seen_at < now - IDLE_FOR / 2:
            # Reading alone keeps a session alive too, but a write on each look would cost the readers dearly.
            row.seen_at = now
    g.preferred_locale = row.user.locale
    return SignedIn(token, row.user)


def principal() -> Principal:
    """Who is signed in, as the policy sees it."""
    if not current_user.is_authenticated:
        return ANONYMOUS
    user: User = current_user.user
    return Principal(
        kind=user.kind,
        id=user.id,
        name=user.name,
        permissions=user.permissions if user.kind == "staff" else frozenset(),
    )


def sign_in(email: str, password: str, network: str) -> User | None:
    """The user when the password fits, else None; the same time and answer for an unknown address. Counts failures."""
    now = clock.now()
    subjects = [f"account:{email}", f"network:{network}"]
    if throttled(subjects, now):
        return None
    user = db.session.scalar(select(User).where(User.email == email, User.active))
    try:
        hasher.verify(user.password_hash if user and user.password_hash else _DUMMY, password)
        ok = user is not None and user.password_hash is not None
    except (VerificationError, InvalidHashError):
        ok = False
    if not ok or user is None:
        db.session.add_all(SignInAttempt(subject=s[:300], at=now) for s in subjects)
        audit.record("session.refused", "user", user.id if user else None)
        return None
    db.session.execute(delete(SignInAttempt).where(SignInAttempt.subject == subjects[0]))
    start_session(user)
    return user


def throttled(subjects: list[str], now: dt.datetime) -> bool:
    """Ten failures in fifteen minutes per account, ten times that per network; the lock ends by itself."""
    counts = dict(
        db.session.execute(
            select(SignInAttempt.subject, func.count())
            .where(SignInAttempt.subject.in_(subjects), SignInAttempt.at > now - WINDOW)
            .group_by(SignInAttempt.subject)
        ).all()
    )
    return counts.get(subjects[0], 0) >= ATTEMPTS or counts.get(subjects[-1], 0) >= ATTEMPTS * 10


def start_session(user: User) -> None:
    """A new session with a new id, replacing whatever this browser had."""
    now = clock.now()
    token = ids.new_token(256)
    db.session.add(
        UserSession(
            token_hash=ids.hash_token(token),
            user_id=user.id,
            created_at=now,
            seen_at=now,
            expires_at=now + SESSION_FOR,
            user_agent=(request.user_agent.string or "")[:200],
        )
    )
    user.signed_in_at = now
    db.session.flush()
    g.pop("principal", None)
    login_user(SignedIn(token, user))
    audit.record("session.start", "user", user.id)


def sign_out() -> None:
    """End this session on the server and forget it in the browser."""
    if current_user.is_authenticated:
        audit.record("session.end", "user", current_user.user.id)
        end_sessions(current_user.user.id, token=current_user.token)
    logout_user()


def end_sessions(user_id: int, *, token: str | None = None) -> None:
    """End one session (``token``) or all sessions of a user."""
    query = update(UserSession).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
    if token:
        query = query.where(UserSession.token_hash == ids.hash_token(token))
    db.session.execute(query.values(ended_at=clock.now()))


def create_link(
    purpose: str,
    email: str,
    *,
    name: str = "",
    role: str = "",
    user_id: int | None = None,
    company_id: int | None = None,
) -> str:
    """A one-time link's token; only its hash is stored. Purposes: first_admin, staff, portal, reset."""
    now = clock.now()
    token = ids.new_token(256)
    db.session.add(
        OneTimeLink(
            token_hash=ids.hash_token(token),
            purpose=purpose,
            email=email,
            name=name,
            role=role,
            user_id=user_id,
            company_id=company_id,
            created_at=now,
            expires_at=now + LINK_FOR[purpose],
        )
    )
    db.session.flush()
    audit.record("link.create", "link", None, changes={"purpose": purpose, "role": role})
    return token


def find_link(token: str) -> OneTimeLink | None:
    """The unused, unexpired link of a token, or None."""
    link = db.session.scalar(select(OneTimeLink).where(OneTimeLink.token_hash == ids.hash_token(token)))
    return link if link and link.used_at is None and link.expires_at > clock.now() else None


def accept_link(link: OneTimeLink, *, email: str, name: str, password: str, locale: str) -> User:
    """Use a link up: create or reset its account and sign it in. Raises ValueError with a code when the password is too weak.

    The link is marked in the same statement that checks it is unused, so two browsers cannot both use it.
    """
    problem = problem_with(password, words=[email, name])
    if problem:
        raise ValueError(problem)
    used = db.session.execute(
        update(OneTimeLink).where(OneTimeLink.id == link.id, OneTimeLink.used_at.is_(None)).values(used_at=clock.now())
    )
    if not used.rowcount:  # type: ignore[attr-defined]
        raise ValueError("used")
    user = db.session.scalar(select(User).where(User.email == email))
    kind = "exhibitor" if link.purpose == "portal" else "staff"
    if link.purpose == "reset" and user is not None:
        kind = user.kind
    if user is None:
        user = User(email=email, name=name, kind=kind, locale=locale, created_at=clock.now())
        db.session.add(user)
    elif user.kind != kind:
        raise ValueError("other_kind")
    user.name, user.password_hash, user.active = name, hasher.hash(password), True
    role = Role.ADMIN if link.purpose == "first_admin" else link.role
    if kind == "staff" and role and role not in user.role_codes:
        user.roles.append(UserRole(role=str(role)))
    db.session.flush()
    accepted = current_app.extensions.get("expo_portal_accept")
    if accepted and link.purpose == "portal":
        accepted(link, user)
    end_sessions(user.id)
    start_session(user)
    return user


RESET_ASKS, RESET_WINDOW = 3, dt.timedelta(hours=1)


def ask_reset(email: str, network: str) -> None:
    """Let a job see whether there is such an account and mail it: the page takes the same time and says the same either way.

    Three an hour per address, ten times that per network; more are passed over in silence. ``expo_reset_ask``:
    ``(email) -> None``, filled by the packages above.
    """
    now = clock.now()
    subjects = [f"reset:{email}"[:300], f"reset-network:{network}"[:300]]
    counts = dict(
        db.session.execute(
            select(SignInAttempt.subject, func.count())
            .where(SignInAttempt.subject.in_(subjects), SignInAttempt.at > now - RESET_WINDOW)
            .group_by(SignInAttempt.subject)
        ).all()
    )
    if counts.get(subjects[0], 0) >= RESET_ASKS or counts.get(subjects[1], 0) >= RESET_ASKS * 10:
        return
    db.session.add_all(SignInAttempt(subject=s, at=now) for s in subjects)
    ask = current_app.extensions.get("expo_reset_ask")
    if ask:
        ask(email)


def reset_link(email: str) -> tuple[User, str] | None:
    """The account of this address and a one-time token for a new password; None when nobody signs in with it."""
    user = db.session.scalar(select(User).where(User.email == email, User.active, User.password_hash.is_not(None)))
    return (user, create_link("reset", user.email, name=user.name, user_id=user.id)) if user else None


def set_roles(user: User, roles: list[str]) -> None:
    """Replace a user's roles and end the user's sessions, so that the change holds at once."""
    before = user.role_codes
    user.roles = [UserRole(role=Role(r).value) for r in sorted(set(roles))]
    audit.record("user.roles", "user", user.id, changes={"roles": [",".join(before), ",".join(sorted(set(roles)))]})
    end_sessions(user.id)
    db.session.flush()


def set_active(user: User, active: bool) -> None:
    audit.record("user.active", "user", user.id, changes={"active": [user.active, active]})
    user.active = active
    if not active:
        end_sessions(user.id)
    db.session.flush()


def count_admins() -> int:
    """Active administrators; the last one cannot be taken away."""
    return (
        db.session.scalar(
            select(func.count(func.distinct(User.id))).join(User.roles).where(User.active, UserRole.role == Role.ADMIN)
        )
        or 0
    )


def list_staff() -> list[User]:
    """Active staff by name, for owner choices."""
    return list(db.session.scalars(select(User).where(User.kind == "staff", User.active).order_by(User.name)))


# -- saved views of lists ----------------------------------------------------------------------------------------------

MOST_VIEWS = 50


class TooManyViews(Exception):
    """This person keeps as many views of the list as allowed."""


def list_views(user_id: int | None, list_id: str) -> list[SavedView]:
    """The views of a list that this person may use: own ones, then those that colleagues share."""
    return list(
        db.session.scalars(
            select(SavedView)
            .where(SavedView.list_id == list_id, or_(SavedView.user_id == user_id, SavedView.shared))
            .order_by(SavedView.user_id != user_id, SavedView.name)
            .limit(2 * MOST_VIEWS)
        )
    )


def save_view(user_id: int, list_id: str, name: str, args: str, *, shared: bool) -> SavedView:
    """Keep a list's query string under a name; the same name again replaces it. Raises TooManyViews."""
    own = list(db.session.scalars(select(SavedView).where(SavedView.user_id == user_id, SavedView.list_id == list_id)))
    found = next((view for view in own if view.name == name), None)
    if found is None:
        if len(own) >= MOST_VIEWS:
            raise TooManyViews
        found = SavedView(user_id=user_id, list_id=list_id, name=name, created_at=clock.now())
        db.session.add(found)
    found.args, found.shared = args, shared
    db.session.flush()
    return found


def find_view(view_id: int) -> SavedView | None:
    return db.session.get(SavedView, view_id)


def rename_view(view: SavedView, name: str) -> bool:
    """Whether the view has this name now; not when another view of the same person and list has it."""
    same_list = select(SavedView.id).where(SavedView.user_id == view.user_id, SavedView.list_id == view.list_id)
    if db.session.scalar(same_list.where(SavedView.name == name, SavedView.id != view.id)):
        return False
    view.name = name
    db.session.flush()
    return True


def delete_view(view: SavedView) -> None:
    db.session.delete(view)
    db.session.flush()
