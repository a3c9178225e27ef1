"""Wire models of analytics."""

from chalicelib.wire.models import View


class TopVariantView(View):
    """A variant and how many units of it were paid for."""

    variant_id: str
    units: int


class DailyReportView(View):
    """What happened on one UTC day; money in minor units."""

    day: str
    orders_placed: int
    orders_paid: int
    orders_failed: dict[str, int]
    units: int
    revenue: int
    refunded: int
    currency: str
    top_variants: list[TopVariantView]
    created_at: str
