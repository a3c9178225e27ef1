"""What lies in a dead end is stored whatever it is: there is no further end for it."""

import json

import pytest

from chalicelib.edge.messages import Message
from chalicelib.kernel.domain_events import UnknownEvent
from chalicelib.notifications.rules import feedback_keys
from chalicelib.ops.dead_ends import ATTRIBUTES_BYTES_MAX, REFERENCE_MAX, read
from chalicelib.ops.rules import CUT, NAME_MAX

STOPPED = "Step Functions Execution Status Change"
KEY_MAX = 2_000


def message(body: object, **attributes: str) -> Message:
    """A message of a dead-letter queue."""
    return Message("m-1", json.dumps(body), 3, "r-1", attributes)


@pytest.mark.parametrize("detail", [None, "text", 7, ["a"], {"name": 5, "input": "[" * 99}])
def test_a_stopped_run_without_its_detail_is_stored(detail: object) -> None:
    """The status rule's event is read as far as it can be."""
    found = read("workflow-dlq", message({"detail-type": STOPPED, "detail": detail}))
    assert found.seen_as == "m-1"


def test_long_words_fit_into_keys_and_rows() -> None:
    """Whatever becomes part of a key or an index has its limit."""
    body = {"execution": "x" * 5_000, "workflow": "w" * 5_000, "input": {"order_id": "o" * 4_000}}
    found = read("workflow-dlq", message(body, reference="r" * 9_000))
    assert len(found.seen_as) <= KEY_MAX
    assert len(found.source) <= NAME_MAX
    assert found.reference is not None
    assert len(found.reference) <= REFERENCE_MAX


def test_large_attributes_are_cut_and_say_so() -> None:
    """Body and attributes together fit into one row."""
    found = read("email-dlq", message({}, told="x" * (ATTRIBUTES_BYTES_MAX + 1)))
    assert found.attributes == {CUT: "true"}


def test_a_number_without_end_is_no_count() -> None:
    """What a message says of itself is not believed beyond reason."""
    assert read("email-dlq", message({}, receives="9" * 5_000)).receive_count == 3


@pytest.mark.parametrize("told", ["two words", "amina@souk.example", "x" * 200, "a\nb"])
def test_a_strange_correlation_id_is_not_carried_on(told: str) -> None:
    """It would stand in every log line and event that follows."""
    assert read("email-dlq", message({"correlation_id": told})).correlation_id is None


@pytest.mark.parametrize("keys", ["key-1", [5], [["key-1"]], {"key-1": 1}, None, ["two words"]])
def test_a_report_with_strange_keys_condemns_nobody(keys: object) -> None:
    """A word instead of a list would suppress each of its letters."""
    report = {"eventType": "Complaint", "mail": {"tags": {"recipient_key": keys}}}
    with pytest.raises(UnknownEvent):
        feedback_keys(report)
