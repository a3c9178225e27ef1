"""The real adapters of pushes on open sockets, built once per process."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from chalicelib.aws.observability import measure
from chalicelib.aws.table import Table
from chalicelib.aws.tables import core_table
from chalicelib.kernel.clock import SystemClock, instant
from chalicelib.kernel.domain_events import DomainEvent
from chalicelib.kernel.ids import Ids
from chalicelib.live import front
from chalicelib.live.front import TablePushes
from chalicelib.live.publishing import Draft, Seen
from chalicelib.notifications import sources, wording
from chalicelib.notifications.announcing import Notification
from chalicelib.notifications.composing import ShopComposer
from chalicelib.notifications.inbox_rows import new_notification
from chalicelib.notifications.pushing import PushingDeps
from chalicelib.notifications.rules import Subject, notice_of, order_id_of
from chalicelib.notifications.wiring import composer
from chalicelib.orders.front import TableOrderBriefs
from chalicelib.products.front import TableSales
from chalicelib.users.people import TablePeople


class LiveFacts:
    """Implements `pushing.Facts` with what stands in the core table now."""

    def __init__(self, core: Table, composer_: ShopComposer) -> None:
        self._core = core
        self._orders = TableOrderBriefs(core)
        self._sales = TableSales(core)
        self._users = sources.Users(TablePeople(core))
        self._composer = composer_

    def order(self, order_id: str) -> Mapping[str, Any] | None:  # Any: JSON
        """`order.updated` as the order stands now."""
        found = self._orders.of(order_id)
        if found is None:
            return None
        return {
            "order_id": found.id,
            "number": found.number,
            "status": found.status,
            "payment_status": found.payment_status,
            "cancel_requested": found.cancel_requested,
            "version": found.version,
        }

    def action_url(self, order_id: str, payment_id: str) -> str | None:
        """Where the customer confirms a payment."""
        return self._orders.action_url(order_id, payment_id)

    def availability(self, variant_ids: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """`stock.changed` of each variant as its stock is now."""
        shelves = self._sales.availability_of(variant_ids)
        return [
            {
                "product_id": shelves[one].product_id,
                "variant_id": one,
                "availability": shelves[one].availability,
            }
            for one in variant_ids
            if one in shelves
        ]

    def dead_letter(self, dead_letter_id: str) -> Mapping[str, Any] | None:
        """The row that operations keep of it."""
        return self._core.get((f"DEAD#{dead_letter_id}", "META"))

    def notification(self, event: DomainEvent) -> Notification | None:
        """The words of the event's notice, in the language of its reader."""
        notice = notice_of(event)
        if notice is None or notice.in_app is None:
            return None
        contact = self._users.contact_of(str(event.data["user_id"]))
        if contact is None:
            return None
        facts = self._composer.facts(event, notice, contact)
        words = wording.notice_words(notice.template, contact.locale, facts)
        order_id = order_id_of(event) if notice.subject is Subject.ORDER else None
        return Notification(
            id=Ids().new("ntf"),
            user_id=contact.user_id,
            kind=notice.in_app.value,
            title=words.subject,
            body=words.text,
            created_at=instant(SystemClock().now()),
            ref_type="order" if order_id else None,
            ref_id=order_id,
        )


class KeptPushes:
    """Implements `pushing.Pushes`: pushes and the notification they announce, all or nothing."""

    def __init__(self, pushes: TablePushes) -> None:
        self._pushes = pushes

    def append(
        self, drafts: Sequence[Draft], seen: Seen, kept: Sequence[Notification], now: datetime
    ) -> bool:
        """T30; False if the event had its effect before."""
        return self._pushes.append(drafts, seen, [new_notification(one) for one in kept], now)


@lru_cache(maxsize=1)
def pushing_deps() -> PushingDeps:
    """What the consumer of the queue works with."""
    return PushingDeps(
        facts=LiveFacts(core_table(), composer()),
        pushes=KeptPushes(front.pushes()),
        clock=SystemClock(),
        count=lambda name: measure("LivePushes", event_type=name),
    )
