"""The raw rows of the shop, sorted by what they are; read past every store of the app."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass(slots=True)
class Books:
    """One table's rows by kind; every key is an id without its prefix word."""

    orders: dict[str, Row] = field(default_factory=dict)
    payments: dict[str, Row] = field(default_factory=dict)
    refunds: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    stock: dict[str, Row] = field(default_factory=dict)
    movements: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    events: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    charges: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    paid_back: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    seen: list[Row] = field(default_factory=list)
    dead_letters: list[Row] = field(default_factory=list)
    delivery_log: list[Row] = field(default_factory=list)
    mailbox: list[Row] = field(default_factory=list)
    roots: dict[str, Row] = field(default_factory=dict)


def read_books(rows: list[Row]) -> Books:
    """Sort raw rows by their keys (the data model, section 3.2)."""
    books = Books()
    for row in rows:
        kind, _, name = row["pk"].partition("#")
        _sort(books, kind, name, row)
    return books


def _sort(books: Books, kind: str, name: str, row: Row) -> None:
    sort_key = row["sk"]
    if sort_key.startswith("EVT#"):
        books.events[row["pk"]].append(row)
        return
    if sort_key in {"META", "PROFILE", "LOC#main"} and "version" in row:
        books.roots[row["pk"]] = row
    single: dict[tuple[str, str], dict[str, Row]] = {
        ("ORDER", "META"): books.orders,
        ("ORDER", "PAY"): books.payments,
        ("STOCK", "LOC"): books.stock,
    }
    several: dict[tuple[str, str], dict[str, list[Row]]] = {
        ("ORDER", "RFD"): books.refunds,
        ("STOCK", "MOV"): books.movements,
        ("GW", "CHARGE"): books.charges,
        ("GW", "REFUND"): books.paid_back,
    }
    lists: dict[str, list[Row]] = {
        "SEEN": books.seen,
        "DEAD": books.dead_letters,
        "NLOG": books.delivery_log,
        "MBOX": books.mailbox,
    }
    place = kind, sort_key.partition("#")[0]
    if place in single:
        single[place][name] = row
    elif place in several:
        several[place][name].append(row)
    elif kind in lists:
        lists[kind].append(row)
