"""All use cases of the shop, by name."""

from tests.faults.use_cases import endings, order_path, reviews, telling, workers
from tests.faults.use_cases.journey import Journey

USE_CASES: dict[str, Journey] = {
    journey.name: journey
    for module in (order_path, reviews, endings, workers, telling)
    for journey in module.USE_CASES
}
