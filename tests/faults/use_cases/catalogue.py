"""All use cases and races of the shop, by name."""

from tests.faults.harness.points import UseCase
from tests.faults.harness.races import Race
from tests.faults.use_cases import (
    endings,
    identity,
    identity_endings,
    identity_factors,
    identity_races,
    order_path,
    races,
    reports,
    reviews,
    telling,
    workers,
)

JOURNEYS = (order_path, reviews, endings, workers, telling, reports)
ACCOUNTS = (identity, identity_factors)
USE_CASES: dict[str, UseCase] = {
    **{journey.name: journey for module in JOURNEYS for journey in module.USE_CASES},
    **{account.name: account for module in ACCOUNTS for account in module.USE_CASES},
}
RACES: dict[str, Race] = {**races.RACES, **identity_races.RACES, **identity_endings.RACES}
