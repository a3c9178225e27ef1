"""REST routes of analytics."""

from dataclasses import asdict
from typing import Final

from chalicelib.analytics import service, wiring
from chalicelib.analytics.schemas import DailyReportView
from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import HttpBlueprint
from chalicelib.edge.replies import Reply
from chalicelib.users.authorizer import staff

blueprint: Final = HttpBlueprint(__name__)


@blueprint.route("/admin/reports/daily/{day}", methods=["GET"], access=staff("reports"))
@documented(replies={200: DailyReportView})
def get_daily_report(_call: Call, day: str) -> Reply:
    """The report of one day."""
    report = service.daily_report(day, wiring.deps())
    return Reply(200, DailyReportView.model_validate(asdict(report)))
