"""Generates the rows of the demonstration show, table by table, from one seed.

Magnitudes (published figures, see docs/data-model.md, "Demonstration data"): 70 % of pre-registrants come, by weeks ahead from 80 % to
54 %; 95 % of those who register on site; 76 % of those an exhibitor invited; 43 % register in the last four weeks; entries peak
10–11 h and 14–15 h; two days in five visitors; about six in ten exhibitors return; leads log-normal with median 40 and p90 200; exhibitor NPS about −17.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import random
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from expo_crm.billing.domain.invoice import invoice_number
from expo_crm.billing.models import Invoice, InvoiceLine, NumberSequence, Payment
from expo_crm.demo import desk, events, floor, inventory, names, showdays, tasks, words, workday
from expo_crm.demo.leads import LEAD_TEAMS, LeadTeam
from expo_crm.directory.models import Activity, Company, Consent, Employment, Participation, Person
from expo_crm.exhibitors.domain.contract import contract_number
from expo_crm.exhibitors.models import (
    Booth,
    BoothOccupant,
    Contract,
    ContractBooth,
    ContractLine,
    DirectoryEntry,
    InvitationLink,
    Opportunity,
    StageChange,
)
from expo_crm.followup.models import Case, Survey, SurveyAnswer, SurveyInvitation, SurveyQuestion
from expo_crm.lib import ids, stands, text
from expo_crm.lib.companies import company_key, valid_credit_code
from expo_crm.matchmaking.models import Demand, Meeting, Offer
from expo_crm.onsite.models import Badge, Gate, Lead, Presence, Scan
from expo_crm.shows.models import Category, Edition, Hall, OpeningDay, Show
from expo_crm.visitors.domain.vocabulary import CONSENTS
from expo_crm.visitors.models import Registration, VisitorClass

ZONE = dt.timezone(dt.timedelta(hours=8))
TAX = Decimal("0.06")
SIZES = (  # (exhibitors, registrations) of the four past editions, and what the coming one has so far
    (300, 5200),
    (335, 6100),
    (370, 7000),
    (400, 8000),
)
COMING_REGISTRATIONS = 900
LEAD_TEXT = next(c.version for c in CONSENTS if c.purpose == "lead_sharing")
# Weeks between registration and show (0 = on site) → share of registrations.
WEEKS = (14, 11, 8, 6, 5, 5, 5, 5, 5, 4, 4, 4, 4, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1)
# Weeks ahead → share that comes (calibration figures of four trade shows).
SHOW_UP = (0.9527, 0.7996, 0.755, 0.7456, 0.722, 0.7066, 0.7127, 0.6839, 0.6521, 0.6609, 0.6745, 0.6078, 0.5428)
HOURS = (4, 22, 24, 16, 9, 10, 8, 5, 2)  # share of first entries per hour from 8 to 16
DAY_SHARE = (0.38, 0.37, 0.25)
STAGES = ("lead", "contacted", "intent", "quoted", "held", "contracted", "deposit_paid", "paid")

Say = Callable[[str], None]


def awake(at: dt.datetime, *, later: bool = False) -> dt.datetime:
    """Nobody fills in a form between midnight and seven: the afternoon before, or with ``later`` the morning after."""
    if at.astimezone(ZONE).hour >= 7:
        return at
    return at + dt.timedelta(hours=8) if later else at - dt.timedelta(hours=9)


def on_workday(at: dt.datetime) -> dt.datetime:
    """What would fall on a weekend happens on the Friday before."""
    return at - dt.timedelta(days=max(0, at.weekday() - 4))


class World:
    """Rows by table; ``run`` fills them in the order of the show's own history."""

    def __init__(self, seed: int, today: dt.date, say: Say = lambda _text: None) -> None:
        self.rng = random.Random(seed)
        self.today = today
        self.now = dt.datetime.combine(today, dt.time(9), ZONE)
        self.say = say
        self.rows: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        self._next: dict[Any, int] = defaultdict(int)
        self._search: dict[str, tuple[str, str]] = {}
        self._numbers: dict[str, int] = defaultdict(int)

    def add(self, model: Any, **values: Any) -> int:
        """One row with the next id of its table; returns the id."""
        self._next[model] += 1
        self.rows[model].append({"id": self._next[model], **values})
        return self._next[model]

    def keys(self, name: str) -> tuple[str, str]:
        """(search key, sort key) of a name, computed once per name."""
        if name not in self._search:
            full, _initials = text.pinyin(name)
            self._search[name] = (text.search_key(name), (full or text.fold(name))[:400])
        return self._search[name]

    def run(self, staff: dict[str, list[int]]) -> None:
        """Generate everything. ``staff`` gives user ids by role; sales people own companies."""
        self.staff = staff
        self.say("show, editions, categories")
        self._show()
        self._companies()
        self.people: list[dict[str, Any]] = []
        self.buyers = [names.buyer(self.rng) for _ in range(2400)]
        attended: set[int] = set()
        for index, edition in enumerate(self.editions):
            past = index < len(SIZES)
            self.say(
                f"{edition['name_en']}: "
                + ("exhibitors, visitors, gates" if past else "pipeline and first registrations")
            )
            attended = self._edition(index, edition, past)
        del attended
        self._activities()
        workday.play(self)
        self._sequences()

    # --- the frame ---------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        w = words.SHOW
        self.show = self.add(
            Show, code=w["code"], name_zh=w["zh"], name_en=w["en"], organizer_zh=w["organizer_zh"], organizer_en=w["organizer_en"],
            privacy_contact="privacy@dongpu-expo.example",
        )  # fmt: skip
        self.categories: dict[str, int] = {}
        for code, (zh, en, synonyms) in words.CATEGORIES.items():
            group = code.split(".")[0]
            self.categories[code] = self.add(
                Category, show_id=self.show, parent_id=self.categories[group] if "." in code else None, code=code, name_zh=zh, name_en=en,
                synonyms=list(synonyms), position=int(float(code) * 10), retired=False,
            )  # fmt: skip
        self.leaves = [c for c in self.categories if "." in c]
        coming = self.today + dt.timedelta(days=118)
        self.editions: list[dict[str, Any]] = []
        count = len(SIZES)
        for index in range(count + 1):
            start = _tuesday(dt.date(coming.year - count + index, coming.month, min(coming.day, 28)))
            self._add_edition(index, start, coming=index == count)

    def _add_edition(self, index: int, start: dt.date, *, coming: bool) -> None:
        days = [start + dt.timedelta(days=d) for d in range(3)]
        opens = dt.datetime.combine(start - dt.timedelta(weeks=26), dt.time(9), ZONE)
        w = words.SHOW
        values: dict[str, Any] = {
            "show_id": self.show, "slug": f"yrfe-{start.year}", "number": 14 + index, "name_zh": f"{start.year} {w['zh']}",
            "name_en": f"{w['en']} {start.year}", "venue_zh": w["venue_zh"], "venue_en": w["venue_en"], "address_zh": w["address_zh"],
            "address_en": w["address_en"], "starts_on": days[0], "ends_on": days[-1], "state": "open" if coming else "closed",
            "registration_opens_at": opens, "registration_closes_at": dt.datetime.combine(days[-1], dt.time(16), ZONE),
            "counted_classes": ["trade", "buyer", "vip"], "intro_zh": w["intro_zh"], "intro_en": w["intro_en"],
            "previous_id": self.editions[-1]["id"] if self.editions else None,
        }  # fmt: skip
        edition_id = self.add(Edition, **values)
        record: dict[str, Any] = {**values, "id": edition_id, "days": days, "halls": {}, "classes": {}}
        for day in days:
            closing = dt.time(16) if day == days[-1] else dt.time(17)
            self.add(OpeningDay, edition_id=edition_id, day=day, opens_at=dt.time(9), closes_at=closing)
        for number, letter in enumerate("ABCD" if coming else "ABC", start=1):
            record["halls"][letter] = self.add(
                Hall, edition_id=edition_id, code=f"H{number}", name_zh=f"{number}号馆", name_en=f"Hall {number}",
                width_m=Decimal(floor.HALL_WIDTH), depth_m=Decimal(floor.HALL_DEPTH), capacity=6000,
            )  # fmt: skip
        for position, (code, zh, en, colour) in enumerate(words.CLASSES):
            record["classes"][code] = self.add(
                VisitorClass, edition_id=edition_id, code=code, name_zh=zh, name_en=en, colour=colour, position=position
            )
        self.editions.append(record)

    # --- companies ---------------------------------------------------------------------------------------------------------

    def _companies(self) -> None:
        rng = self.rng
        self.companies: list[dict[str, Any]] = []
        created = dt.datetime.combine(self.editions[0]["starts_on"], dt.time(9), ZONE) - dt.timedelta(days=300)
        for made in names.companies(rng, 1080):
            main = made.name_zh or made.name_en
            search = text.search_key(made.name_zh, made.name_en)
            company_id = self.add(
                Company, name_zh=made.name_zh, name_en=made.name_en, name_key=company_key(main)[:400], sort_key=self.keys(main)[1],
                search_key=search, website=f"https://www.{made.slug}.example", domain=f"{made.slug}.example", country=made.country,
                province=made.province, city=made.city, tax_id=self._credit_code(rng, made), phone=self._switchboard(rng, made),
                address=self._address(rng, made), industry=words.CATEGORIES[made.group][0],
                source=rng.choice(["fair", "referral", "website", "agent", "research"]), key_account=rng.random() < 0.04,
                owner_id=rng.choice(self.staff["sales"]), created_at=created, updated_at=created,
            )  # fmt: skip
            company = {
                "id": company_id, "made": made, "main": main, "search": search, "loyal": rng.betavariate(2.2, 1.5), "size": rng.lognormvariate(0, 0.8),
                "first": None, "seen": [], "owner": self.rows[Company][-1]["owner_id"], "contact": self._contact(company_id, made),
            }  # fmt: skip
            self.companies.append(company)

    @staticmethod
    def _credit_code(rng: random.Random, made: names.MadeCompany) -> str | None:
        """A unified social credit code for three of four Chinese companies, its check sign right but for one in a hundred."""
        if made.country != "CN" or rng.random() < 0.25:
            return None
        body = "91" + f"{rng.randrange(110000, 659000)}" + "MA" + "".join(rng.choice("0123456789ABCDEFGHJK") for _ in range(7))
        right = next(sign for sign in "0123456789ABCDEFGHJKLMNPQRTUWXY" if valid_credit_code(body + sign))
        return body + (right if rng.random() < 0.99 else "0" if right != "0" else "1")

    @staticmethod
    def _switchboard(rng: random.Random, made: names.MadeCompany) -> str:
        code = words.AREA_CODES.get(made.city.removesuffix("市"))
        return f"{code}-5{rng.randrange(10**6, 10**7)}" if code and rng.random() < 0.85 else ""

    @staticmethod
    def _address(rng: random.Random, made: names.MadeCompany) -> str:
        if made.country != "CN" or rng.random() < 0.3:
            return ""
        return f"{made.city}{rng.choice(['高新区', '经开区', '工业园'])}{rng.choice(['创业路', '科技大道', '兴业街', '滨江路'])}{rng.randrange(1, 900)}号"

    def _contact(self, company_id: int, made: names.MadeCompany) -> int:
        who = names.person(self.rng, made.country)
        title = self.rng.choice(words.TITLES)
        person = self._person(who, f"{who.mailbox}@{made.slug}.example", made.country, made.city)
        self.add(
            Employment, person_id=person, company_id=company_id, title=title[0] if made.country == "CN" else title[1], department="",
            main_contact=True,
        )  # fmt: skip
        return person

    def contact_name(self, person_id: int) -> str:
        """The name of a person made before."""
        return str(self.rows[Person][person_id - 1]["name"])

    def _person(self, who: names.MadePerson, email: str, country: str, city: str) -> int:
        search, sort = self.keys(who.name)
        created = dt.datetime.combine(self.editions[0]["starts_on"], dt.time(9), ZONE) - dt.timedelta(days=200)
        number = self._next[Person] + 1
        return self.add(
            Person, name=who.name, name_latin=who.latin, sort_key=sort, search_key=search, email=email,
            phone=f"+86100{number:08}" if country == "CN" else "", locale="zh" if country == "CN" else "en", country=country, city=city,
            created_at=created, updated_at=created,
        )  # fmt: skip

    # --- one edition -------------------------------------------------------------------------------------------------------

    def _edition(self, index: int, edition: dict[str, Any], past: bool) -> set[int]:
        booths = self._floor(edition)
        if past:
            chosen = self._who_exhibits(index)
            exhibitors = self._exhibit(edition, index, chosen, booths)
        else:
            exhibitors = self._recruit(edition, index, booths)
        registrations = self._register(edition, index, exhibitors, past)
        if past:
            attended = self._gates(edition, exhibitors, registrations)
            if index >= len(SIZES) - 2:
                self._leads(edition, exhibitors, registrations, attended, full=index == len(SIZES) - 1)
                self._meetings(edition, exhibitors, registrations, 520 if index == len(SIZES) - 1 else 240)
            self._surveys(edition, index, exhibitors, registrations, attended)
            self._cases(edition, exhibitors, 64 if index == len(SIZES) - 1 else 25)
            if index == len(SIZES) - 1:
                events.add_events(self, edition, registrations, attended, past=True)
                events.add_arrivals(self, edition, exhibitors)
            return attended
        self._meetings(edition, exhibitors, registrations, 46, coming=True)
        tasks.add_tasks(self, edition, exhibitors)
        events.add_events(self, edition, registrations, set(), past=False)
        self._doors(edition)
        inventory.add_inventory(self, edition)
        return set()

    def _floor(self, edition: dict[str, Any]) -> list[dict[str, Any]]:
        out = []
        layout = random.Random(7)  # the same halls every year
        for letter, hall_id in edition["halls"].items():
            for stand in floor.hall(layout, letter):
                key = stands.stand_key(stand.code) or stand.code
                booth_id = self.add(
                    Booth, edition_id=edition["id"], hall_id=hall_id, code=stand.code, code_key=key, kind=stand.kind, x_m=Decimal(str(stand.x)),
                    y_m=Decimal(str(stand.y)), width_m=Decimal(str(stand.width)), depth_m=Decimal(str(stand.depth)), area_m2=Decimal(str(stand.area)),
                    polygon=[], open_sides=stand.open_sides, price=Decimal(stand.price), state="available", opportunity_id=None, held_until=None, note="",
                )  # fmt: skip
                out.append({"id": booth_id, "stand": stand, "row": self.rows[Booth][-1]})
        self.rng.shuffle(out)
        return out

    def _who_exhibits(self, index: int) -> list[dict[str, Any]]:
        """Loyal companies come again more often, small ones leave first, some come back after a gap; the rest is new."""
        rng, target = self.rng, SIZES[index][0]
        chosen = []
        for company in self.companies:
            if not company["seen"]:
                continue
            last = max(company["seen"])
            chance = 0.17 + 0.62 * company["loyal"] + min(0.08, 0.04 * company["size"]) if last == index - 1 else 0.12
            if rng.random() < chance:
                chosen.append(company)
        fresh = [c for c in self.companies if not c["seen"]]
        rng.shuffle(fresh)
        chosen += fresh[: max(0, target - len(chosen))]
        return chosen[:target]

    def _exhibit(
        self, edition: dict[str, Any], index: int, chosen: list[dict[str, Any]], booths: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Participations with their booth, contract, invoices and payments; one in eight is a co-exhibitor or represented."""
        rng = self.rng
        free = sorted(booths, key=lambda b: b["stand"].area)
        hosts: list[dict[str, Any]] = []
        out = []
        signed_from = edition["starts_on"] - dt.timedelta(days=230)
        for position, company in enumerate(sorted(chosen, key=lambda c: -c["size"])):
            company["seen"].append(index)
            role = "main" if position < 40 or rng.random() < 0.88 else ("co" if rng.random() < 0.75 else "represented")
            if role == "main" and free:
                booth = self._booth_for(company, free)
                record = self._sell(
                    edition, company, booth, signed_from + dt.timedelta(days=rng.randrange(170)), paid=True
                )
                hosts.append(record)
            else:
                host = rng.choice(hosts)
                record = self._share(edition, company, role if role != "main" else "co", host)
            out.append(record)
        lost = [c for c in self.companies if c["seen"] and max(c["seen"]) == index - 1]
        for company in lost:
            self._opportunity(
                edition,
                company,
                "lost",
                signed_from,
                reason=rng.choice(["budget", "results", "competitor", "no_answer", "price"]),
            )
        return out

    def _booth_for(self, company: dict[str, Any], free: list[dict[str, Any]]) -> dict[str, Any]:
        """A free booth near the size the company wants (median about 24 m², a long tail)."""
        wanted = 10 + 14 * company["size"] ** 1.5
        place = min(range(len(free)), key=lambda i: abs(free[i]["stand"].area - wanted) + (i % 7) * 0.4)
        return free.pop(place)

    def _participation(
        self, edition: dict[str, Any], company: dict[str, Any], *, past: bool, **values: Any
    ) -> dict[str, Any]:
        rng = self.rng
        participation = self.add(
            Participation, edition_id=edition["id"], company_id=company["id"], outcome="exhibited" if past else "planned",
            sector=words.CATEGORIES[company["made"].group][0], created_at=dt.datetime.combine(edition["starts_on"], dt.time(9), ZONE) - dt.timedelta(days=200),
            **values,
        )  # fmt: skip
        group = company["made"].group
        own = [c for c in self.leaves if c.startswith(group + ".")]
        offered = set(rng.sample(own, min(len(own), rng.choice([1, 2, 2, 3]))))
        if rng.random() < 0.3:
            offered.add(rng.choice(self.leaves))
        for code in sorted(offered):
            zh, en, _synonyms = words.CATEGORIES[code]
            line_zh, line_en = rng.choice(words.OFFERS)
            self.add(
                Offer,
                participation_id=participation,
                category_id=self.categories[code],
                text=f"{line_zh.format(zh=zh)} {line_en.format(en=en)}",
            )
        if rng.random() < 0.82:
            zh, en, _synonyms = words.CATEGORIES[sorted(offered)[0]]
            line_zh, line_en = rng.choice(words.OFFERS)
            self.add(
                DirectoryEntry, participation_id=participation, name_zh=company["made"].name_zh, name_en=company["made"].name_en,
                intro_zh=line_zh.format(zh=zh), intro_en=line_en.format(en=en), website=f"https://www.{company['made'].slug}.example", brands=[],
                updated_at=dt.datetime.combine(edition["starts_on"], dt.time(9), ZONE) - dt.timedelta(days=rng.randrange(30, 120)),
            )  # fmt: skip
        link = self.add(
            InvitationLink, participation_id=participation, code=f"{edition['starts_on'].year % 100}{participation:05x}{rng.randrange(16**4):04x}",
            opened=rng.randrange(0, 60) if past else rng.randrange(0, 6), created_at=self.rows[Participation][-1]["created_at"],
        )  # fmt: skip
        return {"id": participation, "company": company, "offers": sorted(offered), "link": link, **values}

    def _share(
        self, edition: dict[str, Any], company: dict[str, Any], role: str, host: dict[str, Any]
    ) -> dict[str, Any]:
        record = self._participation(
            edition,
            company,
            past=True,
            role=role,
            host_id=host["id"],
            net_m2=Decimal(0),
            amount=Decimal(0),
            stands=host["stands"],
        )
        if role == "co":
            self.add(BoothOccupant, booth_id=host["booth"], participation_id=record["id"], host=False)
        return {**record, "booth": host["booth"]}

    def _sell(
        self,
        edition: dict[str, Any],
        company: dict[str, Any],
        booth: dict[str, Any],
        signed: dt.date,
        *,
        paid: bool,
        stage: str = "paid",
        source: str = "",
    ) -> dict[str, Any]:
        """A main exhibitor with contract, invoices and what was paid."""
        stand = booth["stand"]
        net, area = Decimal(stand.price), Decimal(str(stand.area))
        past = edition["state"] == "closed"
        record = self._participation(
            edition, company, past=past, role="main", host_id=None, net_m2=area, amount=net, stands=stand.code
        )
        self.add(BoothOccupant, booth_id=booth["id"], participation_id=record["id"], host=True)
        opportunity = self._opportunity(edition, company, stage, signed, area=area, amount=net, source=source)
        booth["row"].update(state="sold", opportunity_id=opportunity)
        tax = (net * TAX).quantize(Decimal("0.01"))
        created = dt.datetime.combine(signed, dt.time(10), ZONE)
        balance_due = edition["starts_on"] - dt.timedelta(days=60)
        number = contract_number(
            words.SHOW["code"], signed.year, self._take(f"contract-{words.SHOW['code']}-{signed.year}")
        )
        contract = self.add(
            Contract, number=number, edition_id=edition["id"], company_id=company["id"], opportunity_id=opportunity, state="in_force",
            locale="zh" if company["made"].country == "CN" else "en", currency="CNY", net_m2=area, net=net, tax_rate=TAX, tax=tax, total=net + tax, net_home=net,
            deposit_due_on=signed + dt.timedelta(days=7), balance_due_on=balance_due, signed_on=signed, signed_by="", created_at=created,
        )  # fmt: skip
        self.add(ContractBooth, contract_id=contract, booth_id=booth["id"], live=True)
        kind = ("标摊", "Shell scheme") if stand.kind == "shell" else ("光地", "Raw space")
        line = {
            "text_zh": f"{kind[0]} {stand.code}",
            "text_en": f"{kind[1]} {stand.code}",
            "quantity": area,
            "unit_price": (net / area).quantize(Decimal("0.01")),
            "amount": net,
        }
        self.add(ContractLine, contract_id=contract, position=1, **line)
        self._bill(edition, company, contract, signed, balance_due, net, stage, line)
        return {**record, "booth": booth["id"]}

    def _bill(
        self,
        edition: dict[str, Any],
        company: dict[str, Any],
        contract: int,
        signed: dt.date,
        due: dt.date,
        net: Decimal,
        stage: str,
        line: dict[str, Any],
    ) -> None:
        """Deposit and balance, half each, with payments as far as the stage says; a few pay late."""
        half = (net / 2).quantize(Decimal("0.01"))
        parts = [
            ("deposit", half, signed, signed + dt.timedelta(days=7)),
            ("balance", net - half, max(signed, due - dt.timedelta(days=30)), due),
        ]
        for kind, amount, issued, due_on in parts:
            if issued > self.today:
                continue
            tax = (amount * TAX).quantize(Decimal("0.01"))
            paid = stage == "paid" or (stage == "deposit_paid" and kind == "deposit")
            invoice = self.add(
                Invoice, number=invoice_number(issued.year, self._take(f"invoice-{issued.year}")), edition_id=edition["id"], company_id=company["id"],
                contract_id=contract, kind=kind, state="paid" if paid else "open", currency="CNY", net=amount, tax=tax, total=amount + tax,
                issued_on=issued, due_on=due_on, created_at=dt.datetime.combine(issued, dt.time(11), ZONE),
            )  # fmt: skip
            label = {"deposit": ("展位费定金", "Deposit"), "balance": ("展位费尾款", "Balance")}[kind]
            self.add(
                InvoiceLine, invoice_id=invoice, position=1, text_zh=f"{label[0]}（{line['text_zh']}）", text_en=f"{label[1]} ({line['text_en']})",
                quantity=Decimal(1), unit_price=amount, amount=amount,
            )  # fmt: skip
            if paid:
                received = min(
                    due_on + dt.timedelta(days=self.rng.choice([-5, -3, -2, -1, 0, 0, 4, 12, 25])), self.today
                )
                self.add(
                    Payment, invoice_id=invoice, amount=amount + tax, received_on=received, method="bank", reference=f"B{invoice:06}", reason="",
                    recorded_by=self.staff["finance"][0], created_at=dt.datetime.combine(received, dt.time(15), ZONE),
                )  # fmt: skip

    def _opportunity(
        self, edition: dict[str, Any], company: dict[str, Any], stage: str, when: dt.date, *, area: Decimal = Decimal(0), amount: Decimal = Decimal(0),
        reason: str = "", source: str = "",
    ) -> int:  # fmt: skip
        rng = self.rng
        at = dt.datetime.combine(min(when, self.today), dt.time(10), ZONE)
        open_ = stage in STAGES[:5] and edition["state"] == "open"
        step = rng.choice(words.NEXT_STEPS)
        opportunity = self.add(
            Opportunity, edition_id=edition["id"], company_id=company["id"], owner_id=company["owner"], stage=stage,
            source=source or ("rebooking" if len(company["seen"]) > 1 else "new"), expected_m2=area, expected_amount=amount, lost_reason=reason,
            next_step=(step[0] if company["made"].country == "CN" else step[1]) if open_ else "",
            next_on=self.today + dt.timedelta(days=rng.randrange(-4, 15)) if open_ else None, stage_at=at, created_at=at - dt.timedelta(days=60),
        )  # fmt: skip
        steps = STAGES[: STAGES.index(stage) + 1] if stage in STAGES else ("lead", "contacted", "lost")
        moment = at - dt.timedelta(days=9 * (len(steps) - 1))
        self.add(StageChange, opportunity_id=opportunity, before="", after="lead", at=moment, user_id=company["owner"])
        for before, after in itertools.pairwise(steps):
            moment += dt.timedelta(days=9)
            self.add(
                StageChange, opportunity_id=opportunity, before=before, after=after, at=moment, user_id=company["owner"]
            )
        return opportunity

    def _recruit(self, edition: dict[str, Any], index: int, booths: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The coming edition: a third is contracted, the rest is on its way, some holds run out tomorrow."""
        rng = self.rng
        free = sorted(booths, key=lambda b: b["stand"].area)
        last = [c for c in self.companies if c["seen"] and max(c["seen"]) == index - 1]
        rng.shuffle(last)
        out = []
        for position, company in enumerate(last):
            share = position / len(last)
            loyal = company["loyal"]
            if share < 0.36 and loyal > 0.25:
                stage = rng.choices(["contracted", "deposit_paid", "paid"], weights=[3, 5, 1])[0]
                signed = self.today - dt.timedelta(days=rng.randrange(4, 110))
                out.append(
                    self._sell(
                        edition,
                        company,
                        self._booth_for(company, free),
                        signed,
                        paid=False,
                        stage=stage,
                        source="rebooking",
                    )
                )
            elif share < 0.44:
                booth = self._booth_for(company, free)
                area, amount = Decimal(str(booth["stand"].area)), Decimal(booth["stand"].price)
                opportunity = self._opportunity(
                    edition,
                    company,
                    "held",
                    self.today - dt.timedelta(days=2),
                    area=area,
                    amount=amount,
                    source="rebooking",
                )
                hold = dt.datetime.combine(self.today + dt.timedelta(days=rng.randrange(1, 7)), dt.time(18), ZONE)
                booth["row"].update(state="held", opportunity_id=opportunity, held_until=hold)
            elif share < 0.74:  # the rest nobody has asked yet: the plan of the next edition finds them
                self._open_opportunity(edition, company, "rebooking", position)
        fresh = [c for c in self.companies if not c["seen"]]
        gone = [c for c in self.companies if c["seen"] and max(c["seen"]) < index - 1]
        for position, company in enumerate(rng.sample(gone, min(45, len(gone)))):
            self._open_opportunity(edition, company, "won_back", position)
        for position, company in enumerate(fresh[:70]):
            self._open_opportunity(edition, company, "new", position)
        for booth in rng.sample(free, 6):
            booth["row"].update(state="blocked", note="消防通道 / fire lane")
        return out

    def _open_opportunity(self, edition: dict[str, Any], company: dict[str, Any], source: str, position: int) -> None:
        rng = self.rng
        stage = rng.choices(["lead", "contacted", "intent", "quoted", "lost"], weights=[34, 28, 20, 12, 6])[0]
        area = Decimal(rng.choice([9, 9, 9, 18, 18, 27, 36, 54]))
        when = self.today - dt.timedelta(days=rng.randrange(1, 70))
        reason = rng.choice(["budget", "results", "competitor", "price"]) if stage == "lost" else ""
        self._opportunity(
            edition, company, stage, when, area=area, amount=area * floor.PRICE_SHELL, reason=reason, source=source
        )

    # --- visitors ----------------------------------------------------------------------------------------------------------

    def _register(
        self, edition: dict[str, Any], index: int, exhibitors: list[dict[str, Any]], past: bool
    ) -> list[dict[str, Any]]:
        rng = self.rng
        wanted = SIZES[index][1] if past else COMING_REGISTRATIONS
        weeks_left = 0 if past else max(1, (edition["starts_on"] - self.today).days // 7)
        known = list(self.people)
        rng.shuffle(known)
        back = known[: int(wanted * 0.6)]
        out = []
        for number in range(1, wanted + 1):
            person = back.pop() if back and rng.random() < 0.62 else self._new_visitor()
            weeks = rng.choices(range(len(WEEKS)), weights=WEEKS)[0]
            weeks = weeks if past else max(weeks_left + 1, min(25, weeks_left + rng.randrange(1, 10)))
            out.append(self._one_registration(edition, number, person, weeks, exhibitors, past))
        return out

    def _new_visitor(self) -> dict[str, Any]:
        rng = self.rng
        zh, en, country, city = rng.choice(self.buyers)
        who = names.person(rng, country)
        title = rng.choice(words.TITLES)
        mail = f"{who.mailbox}{self._next[Person]}@{'co' + str(abs(hash_of(en)) % 99991)}.example"
        company = zh if country == "CN" else en
        search = f"{self.keys(who.name)[0]} {self.keys(company)[0]}"
        person = {
            "id": self._person(who, mail, country, city), "name": who.name, "company": company, "title": title[0] if country == "CN" else title[1],
            "function": title[2], "buying": names.pick(rng, words.BUYING_ROLES)[0], "locale": "zh" if country == "CN" else "en", "search": search,
            "sort": self.keys(who.name)[1], "group": rng.choice("12345678"), "consent": rng.random() < 0.71, "before": False,
        }  # fmt: skip
        self.people.append(person)
        return person

    def _one_registration(
        self,
        edition: dict[str, Any],
        number: int,
        person: dict[str, Any],
        weeks: int,
        exhibitors: list[dict[str, Any]],
        past: bool,
    ) -> dict[str, Any]:
        rng = self.rng
        on_site = weeks == 0
        invited = not on_site and exhibitors and rng.random() < 0.17
        link = rng.choice(exhibitors)["link"] if invited else None
        if on_site:
            day = rng.choices(edition["days"], weights=DAY_SHARE)[0]
            at = dt.datetime.combine(day, dt.time(9), ZONE) + dt.timedelta(minutes=rng.randrange(360))
        else:
            at = awake(
                dt.datetime.combine(edition["starts_on"], dt.time(8), ZONE)
                - dt.timedelta(weeks=weeks - 1, minutes=rng.randrange(1, 7 * 1440))
            )
            while at > self.now:  # the week in which the demonstration is made has only begun
                at -= dt.timedelta(days=1)
        code = rng.choices(["trade", "buyer", "vip", "press"], weights=[90, 6, 1, 3])[0]
        state = (
            rng.choices(["approved", "rejected", "cancelled", "returned"], weights=[955, 20, 20, 5])[0]
            if past
            else rng.choices(["approved", "in_review", "cancelled"], weights=[91, 7, 2])[0]
        )
        codes = self._interests(person["group"])
        need = rng.choice(words.NEEDS) if rng.random() < 0.35 else None
        category = words.CATEGORIES[codes[0]]
        looking = (
            (need[0].format(zh=category[0]) if person["locale"] == "zh" else need[1].format(en=category[1]))
            if need
            else ""
        )
        registration = self.add(
            Registration, edition_id=edition["id"], number=number, person_id=person["id"], class_id=edition["classes"][code], name=person["name"],
            company_name=person["company"], job_title=person["title"], function=person["function"], buying_role=person["buying"],
            sort_key=person["sort"], search_key=f"{person['search']} {number}", locale=person["locale"],
            source="onsite" if on_site else "invitation" if link else rng.choice(["web", "web", "web", "group"]), invitation_link_id=link, state=state,
            on_site=on_site, first_time=not person["before"] and rng.random() < 0.88, form_key=None, token_hash=ids.hash_token(f"{edition['id']}:{number}:{rng.random()}"),
            looking_for=looking, answers=[], submitted_at=at, decided_at=at if state != "in_review" else None,
        )  # fmt: skip
        # Asked at each registration; of the editions before leads were captured, the first answer of a person is enough.
        if not person["before"] or edition in self.editions[len(SIZES) - 2 :]:
            self.add(
                Consent, person_id=person["id"], edition_id=edition["id"], purpose="lead_sharing", granted=person["consent"],
                text_version=LEAD_TEXT, locale=person["locale"], channel="web", at=at,
            )  # fmt: skip
        person["before"] = True
        for item in codes:
            self.add(Demand, registration_id=registration, category_id=self.categories[item])
        chance = SHOW_UP[min(weeks, len(SHOW_UP) - 1)] + (0.05 if link else 0)
        return {
            "id": registration,
            "person": person,
            "class": code,
            "state": state,
            "comes": state == "approved" and rng.random() < chance,
            "codes": codes,
            "at": at,
            "on_site": on_site,
        }

    def _interests(self, group: str) -> list[str]:
        rng = self.rng
        own = [c for c in self.leaves if c.startswith(group + ".")]
        codes = set(rng.sample(own, min(len(own), rng.choice([1, 1, 2, 3]))))
        if rng.random() < 0.45:
            codes.add(rng.choice(self.leaves))
        return sorted(codes)

    # --- show days ---------------------------------------------------------------------------------------------------------

    def _doors(self, edition: dict[str, Any]) -> list[tuple[int, int]]:
        """Gates with one device each: [(gate, device)]."""
        out = []
        showdays.add_zones(self, edition)
        for code, zh, en in (
            ("N", "北入口", "North gate"),
            ("S", "南入口", "South gate"),
            ("W", "西入口", "West gate"),
        ):
            gate = self.add(
                Gate, edition_id=edition["id"], hall_id=None, code=code, name_zh=zh, name_en=en, zone="show", direction="both",
                classes=[],
            )  # fmt: skip
            if edition["state"] == "closed":
                end = dt.datetime.combine(edition["ends_on"], dt.time(17), ZONE)
                device = showdays.door_device(
                    self, edition, gate, f"{en} 1", paired_at=end - dt.timedelta(days=4), revoked_at=end, seen_at=end, app_version="1.0"
                )
                out.append((gate, device))
        showdays.add_doors(self, edition)
        if edition in self.editions[-2:]:
            desk.add_desk(self, edition)
        return out

    def _gates(
        self, edition: dict[str, Any], exhibitors: list[dict[str, Any]], registrations: list[dict[str, Any]]
    ) -> set[int]:
        """Badges for all approved, scans over three days for those who come; returns the registrations that attended."""
        rng = self.rng
        self.doors = self._doors(edition)
        self.sequence: dict[int, int] = defaultdict(int)
        attended: set[int] = set()
        for item in registrations:
            if item["state"] != "approved":
                continue
            person = item["person"]
            issued = max(
                item["at"], dt.datetime.combine(edition["starts_on"], dt.time(8), ZONE) - dt.timedelta(days=10)
            )
            badge = self._badge(
                edition,
                edition["classes"][item["class"]],
                issued,
                person["name"],
                person["company"],
                person["sort"],
                registration=item["id"],
            )
            if not item["comes"]:
                continue
            attended.add(item["id"])
            first = (
                edition["days"].index(item["at"].date())
                if item["on_site"]
                else rng.choices(range(3), weights=DAY_SHARE)[0]
            )
            days = {first}
            for other in range(3):
                if other > first and rng.random() < 0.36:
                    days.add(other)
            for day in sorted(days):
                earliest = item["at"] if item["on_site"] and day == first else None
                self._one_day(
                    edition, badge, edition["days"][day], rng.choices(range(8, 17), weights=HOURS)[0], earliest
                )
        for exhibitor in exhibitors:
            for number in range(rng.choice([2, 2, 3, 4])):
                who = names.person(rng, exhibitor["company"]["made"].country)
                issued = dt.datetime.combine(edition["starts_on"], dt.time(8), ZONE) - dt.timedelta(days=6)
                badge = self._badge(
                    edition,
                    edition["classes"]["exhibitor"],
                    issued,
                    who.name,
                    exhibitor["company"]["main"],
                    self.keys(who.name)[1],
                    participation=exhibitor["id"],
                )
                for day in edition["days"]:
                    if number < 2 or rng.random() < 0.6:
                        self._one_day(edition, badge, day, rng.choice([7, 8]), None)  # stand staff are early
        self._refusals(edition)
        return attended

    def _badge(
        self,
        edition: dict[str, Any],
        class_id: int,
        issued: dt.datetime,
        holder: str,
        company: str,
        sort: str,
        *,
        registration: int | None = None,
        participation: int | None = None,
    ) -> int:
        return self.add(
            Badge, edition_id=edition["id"], class_id=class_id, registration_id=registration, participation_id=participation,
            serial=f"{self.rng.getrandbits(64):016x}", generation=1, state="active", holder=holder, holder_company=company, sort_key=sort[:300],
            issued_at=issued, printed_at=issued + dt.timedelta(hours=2), key_id=1, feed_version=1,
        )  # fmt: skip

    def _one_day(
        self, edition: dict[str, Any], badge: int, day: dt.date, hour: int, earliest: dt.datetime | None
    ) -> None:
        """Entry, perhaps out and in again, and mostly an exit that was read."""
        rng = self.rng
        closing = dt.datetime.combine(day, dt.time(16 if day == edition["ends_on"] else 17), ZONE)
        entry = dt.datetime.combine(day, dt.time(hour, rng.randrange(60), rng.randrange(60)), ZONE)
        if earliest:
            entry = max(entry, earliest + dt.timedelta(minutes=4))
        if entry > closing - dt.timedelta(minutes=20):  # nobody comes for the last minutes; those who would come earlier
            entry = closing - dt.timedelta(seconds=rng.randrange(20 * 60, 150 * 60))
            entry = max(entry, min(earliest + dt.timedelta(minutes=4), closing)) if earliest else entry
        gate = rng.choices(self.doors, weights=[55, 35, 10])[0]
        moves = [(entry, "entry", gate)]
        if rng.random() < 0.16 and entry.hour < 13:
            out = entry + dt.timedelta(minutes=rng.randrange(60, 150))
            moves += [
                (out, "exit", gate),
                (out + dt.timedelta(minutes=rng.randrange(20, 70)), "entry", rng.choice(self.doors)),
            ]
        leave = min(
            moves[-1][0] + dt.timedelta(minutes=rng.randrange(100, 380)),
            closing + dt.timedelta(minutes=rng.randrange(5, 40)),
        )
        leave = max(leave, moves[-1][0] + dt.timedelta(minutes=1))  # nobody leaves before coming back
        if rng.random() < 0.86:
            moves.append((leave, "exit", rng.choices(self.doors, weights=[50, 35, 15])[0]))
        for position, (at, direction, door) in enumerate(moves):
            self._scan(
                edition,
                door,
                at,
                direction,
                badge,
                "admit",
                "ok_reentry" if direction == "entry" and position else "ok",
            )
        entries = sum(m[1] == "entry" for m in moves)
        last = moves[-1]
        self.add(
            Presence, edition_id=edition["id"], badge_id=badge, zone="show", local_day=day, first_entry_at=entry, first_gate_id=gate[0], last_at=last[0],
            last_direction=last[1], entries=entries, exits=len(moves) - entries, inside=last[1] == "entry",
        )  # fmt: skip

    def _scan(
        self,
        edition: dict[str, Any],
        door: tuple[int, int],
        at: dt.datetime,
        direction: str,
        badge: int | None,
        decision: str,
        reason: str,
    ) -> None:
        gate, device = door
        self.sequence[device] += 1
        value = self.rng.getrandbits(128)
        self.add(
            Scan, edition_id=edition["id"], device_id=device, client_uuid=f"{value:032x}", device_seq=self.sequence[device], gate_id=gate, zone="show",
            direction=direction, code_hash=f"{value:064x}", badge_id=badge, device_time=at, corrected_at=at, received_at=at, local_day=at.date(),
            decided_by="server", decision=decision, reason=reason,
        )  # fmt: skip

    def _refusals(self, edition: dict[str, Any]) -> None:
        """One in eighty readings is refused: foreign codes, old badges, broken prints."""
        rng = self.rng
        entries = sum(self.sequence.values())
        for _ in range(entries // 80):
            at = dt.datetime.combine(
                rng.choice(edition["days"]),
                dt.time(rng.choice([9, 10, 10, 11, 14]), rng.randrange(60), rng.randrange(60)),
                ZONE,
            )
            reason = rng.choices(
                ["unknown", "malformed", "replaced", "wrong_show", "wrong_day", "blocked"],
                weights=[40, 25, 15, 10, 6, 4],
            )[0]
            self._scan(edition, rng.choices(self.doors, weights=[55, 35, 10])[0], at, "entry", None, "deny", reason)

    def _leads(
        self,
        edition: dict[str, Any],
        exhibitors: list[dict[str, Any]],
        registrations: list[dict[str, Any]],
        attended: set[int],
        *,
        full: bool,
    ) -> None:
        """Three exhibitors in four scan visitors; how many is log-normal, and rather those who look for what they show."""
        rng = self.rng
        by_group: dict[str, list[dict[str, Any]]] = defaultdict(list)
        everybody = []
        for item in registrations:
            if item["id"] in attended and item["person"]["consent"]:
                by_group[item["person"]["group"]].append(item)
                everybody.append(item)
        for exhibitor in exhibitors:
            exhibitor["leads"] = 0
            if rng.random() > 0.75:
                continue
            count = min(260, int(rng.lognormvariate(math.log(40 if full else 22), 1.1)))
            near = by_group[exhibitor["company"]["made"].group]
            met = {i["id"]: i for i in rng.sample(near, min(len(near), int(count * 0.65)))}
            met |= {i["id"]: i for i in rng.sample(everybody, min(len(everybody), count - len(met)))}
            exhibitor["leads"] = len(met)
            if full and exhibitor["id"] % LEAD_TEAMS == 0:
                team = LeadTeam(self, edition, exhibitor)
                others = [i for i in registrations if i["id"] in attended and not i["person"]["consent"]]
                met |= {i["id"]: i for i in team.rng.sample(others, min(len(others), 1 + len(met) // 12))}
            else:
                team = None
            for registration in met:
                at = dt.datetime.combine(
                    rng.choice(edition["days"]), dt.time(rng.randrange(10, 16), rng.randrange(60)), ZONE
                )
                lead = self.add(
                    Lead, participation_id=exhibitor["id"], registration_id=registration, state=rng.choices(["new", "contacted", "qualified", "quoted", "won", "lost"], weights=[50, 22, 14, 7, 2, 5])[0],
                    temperature=rng.choices(["", "hot", "warm", "cold"], weights=[40, 14, 28, 18])[0], stars=0, scans=1, note="", captured_by="",
                    captured_at=at, own_granted=None, own_version="", own_at=None,
                )  # fmt: skip
                if team:
                    team.note(self.rows[Lead][lead - 1], met[registration]["person"])

    def _meetings(
        self,
        edition: dict[str, Any],
        exhibitors: list[dict[str, Any]],
        registrations: list[dict[str, Any]],
        count: int,
        *,
        coming: bool = False,
    ) -> None:
        rng = self.rng
        offering: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for exhibitor in exhibitors:
            for code in exhibitor["offers"]:
                offering[code].append(exhibitor)
        candidates = [r for r in registrations if r["state"] == "approved" and any(offering[c] for c in r["codes"])]
        taken: set[tuple[int, int]] = set()
        states = (
            (["requested", "accepted", "scheduled", "declined"], [40, 15, 35, 10])
            if coming
            else (["held", "no_show", "declined", "cancelled", "expired"], [66, 8, 12, 8, 6])
        )
        for registration in rng.sample(candidates, min(count, len(candidates))):
            code = rng.choice([c for c in registration["codes"] if offering[c]])
            exhibitor = rng.choice(offering[code])
            if (exhibitor["id"], registration["id"]) in taken:
                continue
            taken.add((exhibitor["id"], registration["id"]))
            state = rng.choices(*states)[0]
            timed = state in {"held", "no_show", "scheduled"}
            start = dt.datetime.combine(
                rng.choice(edition["days"]), dt.time(rng.randrange(10, 16), rng.choice([0, 30])), ZONE
            )
            created = min(self.now, dt.datetime.combine(edition["starts_on"], dt.time(9), ZONE)) - dt.timedelta(
                days=rng.randrange(1, 14)
            )
            self.add(
                Meeting, edition_id=edition["id"], participation_id=exhibitor["id"], registration_id=registration["id"],
                asked_by=rng.choice(["visitor", "visitor", "exhibitor", "staff"]), state=state, starts_at=start if timed else None,
                ends_at=start + dt.timedelta(minutes=30) if timed else None, place=exhibitor["stands"] if timed else "",
                message="", reply="", no_show_side=rng.choice(["visitor", "exhibitor"]) if state == "no_show" else "", reasons=[], token_hash=None,
                created_at=created, answered_at=None if state in {"requested", "expired"} else created + dt.timedelta(days=1),
            )  # fmt: skip

    # --- afterwards --------------------------------------------------------------------------------------------------------

    def _surveys(
        self,
        edition: dict[str, Any],
        index: int,
        exhibitors: list[dict[str, Any]],
        registrations: list[dict[str, Any]],
        attended: set[int],
    ) -> None:
        rng = self.rng
        sent = dt.datetime.combine(edition["ends_on"], dt.time(10), ZONE) + dt.timedelta(days=2)
        for audience, zh, en in (
            ("visitors", "观众满意度调查", "Visitor survey"),
            ("exhibitors", "展商满意度调查", "Exhibitor survey"),
        ):
            survey = self.add(
                Survey, edition_id=edition["id"], audience=audience, title_zh=f"{edition['starts_on'].year} {zh}", title_en=f"{en} {edition['starts_on'].year}",
                state="closed", closes_at=sent + dt.timedelta(days=21), created_at=sent - dt.timedelta(days=3),
            )  # fmt: skip
            questions = self._questions(survey, audience)
            if audience == "visitors":
                people = [r for r in registrations if r["id"] in attended and r["class"] != "press"]
                people = people if index >= len(SIZES) - 2 else rng.sample(people, 600)
                for item in people:
                    mood = rng.gauss(7.6, 1.7)
                    self._response(
                        survey, questions, sent, mood, 0.14, registration=item["id"], person=item["person"]["id"]
                    )
            else:
                for item in exhibitors:
                    mood = (
                        6.55
                        + 1.6 * (item["company"]["loyal"] - 0.5)
                        + min(1.2, item.get("leads", 30) / 90)
                        + rng.gauss(0, 1.8)
                    )
                    self._response(
                        survey, questions, sent, mood, 0.42, participation=item["id"], person=item["company"]["contact"]
                    )

    def _questions(self, survey: int, audience: str) -> list[tuple[int, str]]:
        goals = [
            {"code": "suppliers", "zh": "寻找供应商", "en": "Find suppliers"}, {"code": "products", "zh": "了解新产品", "en": "See new products"},
            {"code": "partners", "zh": "维护合作关系", "en": "Meet partners"}, {"code": "market", "zh": "了解市场", "en": "Follow the market"},
        ]  # fmt: skip
        again = [
            {"code": "yes", "zh": "会", "en": "Yes"},
            {"code": "maybe", "zh": "可能", "en": "Perhaps"},
            {"code": "no", "zh": "不会", "en": "No"},
        ]
        rows = [
            ("nps", "您有多大可能向同行推荐本展会？", "How likely are you to recommend the show to a colleague?", []),
            ("scale", "总体满意度", "Overall satisfaction", []),
            (
                "scale",
                "观众质量" if audience == "exhibitors" else "展品质量与新颖度",
                "Quality of visitors" if audience == "exhibitors" else "Quality and novelty of exhibits",
                [],
            ),
            ("scale", "组织与现场服务", "Organization and service on site", []),
            ("choices", "参加本届展会的主要目的", "What were your main goals?", goals),
            ("choice", "下一届是否会再来？", "Will you come again?", again),
            ("text", "还有什么想告诉我们的？", "Anything else you want to tell us?", []),
        ]
        return [
            (
                self.add(
                    SurveyQuestion,
                    survey_id=survey,
                    position=p,
                    kind=kind,
                    label_zh=zh,
                    label_en=en,
                    options=options,
                    required=kind in {"nps", "scale"},
                ),
                kind,
            )
            for p, (kind, zh, en, options) in enumerate(rows, start=1)
        ]

    def _response(
        self,
        survey: int,
        questions: list[tuple[int, str]],
        sent: dt.datetime,
        mood: float,
        rate: float,
        *,
        person: int,
        registration: int | None = None,
        participation: int | None = None,
    ) -> None:
        rng = self.rng
        done = rng.random() < rate
        state = "complete" if done else rng.choices(["sent", "opened", "partial", "bounced"], weights=[62, 30, 5, 3])[0]
        invitation = self.add(
            SurveyInvitation, survey_id=survey, registration_id=registration, participation_id=participation, person_id=person,
            token_hash=f"{rng.getrandbits(256):064x}", state=state, reminders=0 if done and rng.random() < 0.6 else 1, sent_at=sent,
            completed_at=awake(sent + dt.timedelta(hours=rng.randrange(1, 300), minutes=rng.randrange(60)), later=True) if done else None,
        )  # fmt: skip
        if not done:
            return
        for question, kind in questions:
            number, answer = None, ""
            if kind == "nps":
                number = max(0, min(10, round(mood)))
            elif kind == "scale":
                number = max(1, min(5, round(mood / 2 + rng.gauss(0.2, 0.6))))
            elif kind == "choices":
                answer = ",".join(rng.sample(["suppliers", "products", "partners", "market"], rng.choice([1, 2])))
            elif kind == "choice":
                answer = "yes" if mood > 7 else "maybe" if mood > 4.5 else "no"
            elif rng.random() < 0.3:
                answer = rng.choice(words.COMMENTS)[0 if rng.random() < 0.8 else 1]
            if number is not None or answer:
                self.add(SurveyAnswer, invitation_id=invitation, question_id=question, number=number, text=answer)

    def _cases(self, edition: dict[str, Any], exhibitors: list[dict[str, Any]], count: int) -> None:
        rng = self.rng
        for _ in range(count):
            kind, zh, en = rng.choice(words.CASES)
            item = rng.choice(exhibitors)
            company = item["company"]
            at = dt.datetime.combine(
                rng.choice(edition["days"]), dt.time(rng.randrange(9, 17), rng.randrange(60)), ZONE
            )
            state = rng.choices(
                ["confirmed", "released", "reviewed", "answered", "assigned", "open"], weights=[60, 12, 8, 8, 7, 5]
            )[0]
            chinese = company["made"].country == "CN"
            self.add(
                Case, edition_id=edition["id"], company_id=company["id"], person_id=company["contact"], kind=kind, state=state, subject=zh if chinese else en,
                answer=("已联系现场服务处理。" if chinese else "The floor team has taken care of it.") if state not in {"open", "assigned"} else "",
                owner_id=rng.choice(self.staff["sales"] + self.staff["desk"]) if state != "open" else None, created_at=at,
                closed_at=at + dt.timedelta(days=rng.randrange(1, 9)) if state == "confirmed" else None,
            )  # fmt: skip

    def _activities(self) -> None:
        rng = self.rng
        coming = self.editions[-1]
        active = [c for c in self.companies if c["seen"]]
        for company in active:
            for _ in range(rng.choice([0, 1, 2, 3, 4])):
                zh, en = rng.choice(words.CALLS)
                at = on_workday(self.now - dt.timedelta(days=rng.randrange(4, 420)) + dt.timedelta(minutes=rng.randrange(500)))
                self.add(
                    Activity, kind=rng.choice(["call", "call", "mail", "visit", "note"]), company_id=company["id"], person_id=company["contact"], edition_id=coming["id"],
                    owner_id=company["owner"], subject=zh if company["made"].country == "CN" else en, outcome=rng.choice(["reached", "no_answer", "interested", ""]),
                    due_at=at, done_at=at, created_at=at,
                )  # fmt: skip
        for company in rng.sample(active, 170):
            zh, en = rng.choice(words.NEXT_STEPS)
            due = on_workday(self.now + dt.timedelta(days=rng.randrange(-5, 18), minutes=rng.randrange(480)))
            self.add(
                Activity, kind=rng.choice(["call", "call", "task", "visit"]), company_id=company["id"], person_id=company["contact"], edition_id=coming["id"],
                owner_id=company["owner"], subject=zh if company["made"].country == "CN" else en, outcome="", due_at=due, done_at=None,
                created_at=self.now - dt.timedelta(days=8),
            )  # fmt: skip

    def _take(self, scope: str) -> int:
        """The next number of a scope, as billing.services.numbers would give it."""
        self._numbers[scope] += 1
        return self._numbers[scope]

    def _sequences(self) -> None:
        """Numbers given so far, so that the next contract and invoice go on without a gap."""
        for scope, last in self._numbers.items():
            self.add(NumberSequence, scope=scope, last=last)


def _tuesday(day: dt.date) -> dt.date:
    return day + dt.timedelta(days=(1 - day.weekday()) % 7)


def hash_of(value: str) -> int:
    """A hash that is the same in every run, unlike Python's own."""
    return int(ids.hash_token(value)[:8], 16)
