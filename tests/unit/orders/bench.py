"""An order on the workbench: every port faked, any state one call away."""

from dataclasses import dataclass, field

from chalicelib.kernel.domain_events import Actor
from chalicelib.kernel.idempotency import Once, RecordedReply
from chalicelib.kernel.ids import Ids
from chalicelib.orders import fulfilling, keeping, paying, refunding, waits
from chalicelib.orders.cancelling import cancel_order
from chalicelib.orders.keeping import Decided, RefundAsked, Refunding
from chalicelib.orders.paying import PayingDeps
from chalicelib.orders.payments import PaymentGateway
from chalicelib.orders.placing import Basket, PlacingDeps, Wanted, place_order
from chalicelib.orders.records import Address, Order, OrderRecord, Payment, Tracking
from chalicelib.orders.service import Asker, Outcome
from tests.fakes.orders import (
    TERMS,
    FakeCatalogue,
    FakeClock,
    FakeOrders,
    FakeRuns,
    a_task,
)
from tests.fakes.payments import FakeGateway

VARIANT = "var_1"
AMINA = Asker(Actor("customer", "usr_amina"), "correlation-1")
STAFF = Asker(Actor("staff", "usr_staff"), "correlation-2")
ADDRESS = Address("Amina", "12 Rue", None, "Nabeul", None, "8000", "TN", None)


def once(key: str = "key-00001", subject: str = "usr_amina") -> Once:
    """An idempotency key whose reply is always the same."""
    return Once(subject, "POST /orders", key, "print", lambda _: RecordedReply(202, b"ok", {}))


@dataclass
class Bench:
    """One order of two tagines, ten of which are on the shelf."""

    price: int = 3400
    stock: int = 10
    gateway: FakeGateway = field(default_factory=FakeGateway)
    clock: FakeClock = field(default_factory=FakeClock)
    runs: FakeRuns = field(default_factory=FakeRuns)
    order_id: str = ""

    def __post_init__(self) -> None:
        self.orders = FakeOrders({VARIANT: self.stock})
        self.catalogue = FakeCatalogue()
        self.catalogue.add(VARIANT, self.price)
        gateway: PaymentGateway = self.gateway
        self.deps = PayingDeps(self.orders, self.clock, Ids(), TERMS, self.runs, gateway)
        self.placing = PlacingDeps(
            self.orders, self.clock, Ids(), TERMS, self.catalogue, self.orders, "sandbox"
        )
        self.place()

    def place(self) -> None:
        """Amina orders."""
        basket = Basket((Wanted(VARIANT, 2),), ADDRESS, "tok_approve")
        self.order_id = place_order(basket, AMINA, once(), self.placing).record.order.id

    @property
    def record(self) -> OrderRecord:
        """The record as it stands."""
        return self.orders.records[self.order_id]

    @property
    def order(self) -> Order:
        """The order as it stands."""
        return self.record.order

    @property
    def payment(self) -> Payment:
        """The payment as it stands."""
        assert self.record.payment is not None
        return self.record.payment

    @property
    def shelf(self) -> tuple[int, int]:
        """Available and reserved."""
        shelf = self.orders.shelves[VARIANT]
        return shelf.available, shelf.reserved

    @property
    def told(self) -> list[str]:
        """The types of the events so far."""
        return [event.type.name for event in self.orders.events]

    def step(self, name: str, **given: str | int) -> Outcome:
        """Run one step of a workflow."""
        task = a_task(self.order_id, **given)
        if name == "begin_payment":
            return fulfilling.begin_payment(task, self.deps, "sandbox")
        for module in (fulfilling, waits, paying, refunding):
            if hasattr(module, name):
                outcome: Outcome = getattr(module, name)(task, self.deps)
                return outcome
        raise AssertionError(name)

    def steps(self, *names: str) -> list[str]:
        """The outcomes of several steps."""
        return [self.step(name).outcome for name in names]

    def paid(self) -> "Bench":
        """The order, paid."""
        self.steps("reserve", "begin_payment", "charge", "confirm")
        return self

    def cancel(self) -> OrderRecord:
        """Amina cancels."""
        return cancel_order(self.order_id, AMINA, self.deps, owner="usr_amina")

    def decide(self, decision: str) -> OrderRecord:
        """Staff decide a review."""
        decided = Decided(decision, None)  # type: ignore[arg-type]  # one of two words
        return keeping.decide_review(self.order_id, decided, STAFF, self.deps)

    def ship(self, number: str = "1") -> OrderRecord:
        """The warehouse sends it."""
        return keeping.ship_order(self.order_id, Tracking("DHL", number), STAFF, self.deps)

    def deliver(self) -> OrderRecord:
        """The parcel arrives."""
        return keeping.deliver_order(self.order_id, STAFF, self.deps)

    def refund(self, amount: int, key: str = "key-00009") -> Refunding:
        """Staff give money back."""
        asked = RefundAsked(amount, "goodwill")
        return keeping.refund_order(self.order_id, asked, once(key, "usr_staff"), STAFF, self.deps)

    def run_refund(self, refund_id: str) -> list[str]:
        """The refund workflow, as far as it goes without a lost reply."""
        return [
            self.step("refund", refund_id=refund_id).outcome,
            self.step("finish_refund", refund_id=refund_id).outcome,
        ]
