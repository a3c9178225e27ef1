"""Frames are read strictly: each refusal has its code and, where it could be read, the id."""

import json

import pytest

from chalicelib.live.frames import FRAME_BYTES_MAX, FrameRefused, read_frame

CONVERSATION = "cnv_01J00000000000000000000000"


def frame(**changes: object) -> str:
    """A well-formed frame with changes; None leaves a field out."""
    whole = {"v": 1, "id": "frame-0001", "action": "ping", "data": {}, **changes}
    return json.dumps({name: value for name, value in whole.items() if value is not None})


def refused(body: str | None) -> FrameRefused:
    """The refusal of a frame."""
    with pytest.raises(FrameRefused) as caught:
        read_frame(body)
    return caught.value


def test_well_formed_frame_is_read() -> None:
    """Action, id and data come out as they went in."""
    data = {"conversation_id": CONVERSATION, "text": "Hello\n\tthere"}
    read = read_frame(frame(action="chat.send", data=data))
    assert (read.id, read.action, dict(read.data)) == ("frame-0001", "chat.send", data)


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "{",
        "nonsense",
        '{"v":NaN}',
        '{"v":1,"id":"frame-0001","action":"ping","data":{"x":"\\ud800"}}',
        '{"data":' + "[" * 40 + "]" * 40 + "}",
        "[" * 4000,
        '{"v":1,"x":"\ud800"}',
    ],
)
def test_what_is_no_json_is_malformed(body: str | None) -> None:
    """Binary, broken, not-a-number, half characters and deep nesting."""
    found = refused(body)
    assert (found.error.code, found.re) == ("malformed_json", None)


def test_nesting_of_32_levels_is_read() -> None:
    """The limit itself is allowed, one more is not."""
    deep = '{"a":' + "[" * 30 + "]" * 30 + "}"
    assert refused(f'{{"data":{deep}}}').error.code == "validation_failed"
    deeper = '{"a":' + "[" * 31 + "]" * 31 + "}"
    assert refused(f'{{"data":{deeper}}}').error.code == "malformed_json"


@pytest.mark.covers(75)
def test_large_frame_is_refused_unread() -> None:
    """8 KiB, counted in bytes."""
    fitting = frame(action="x" * (FRAME_BYTES_MAX - len(frame(action=""))))
    assert refused(fitting).error.code == "unknown_action"
    assert refused(fitting + " ").error.code == "payload_too_large"
    wide = '{"v":1,"id":"frame-0001","action":"%s","data":{}}' % ("é" * 4096)
    assert refused(wide).error.code == "payload_too_large"


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"v": None}, "v", "missing"),
        ({"v": 2}, "v", "literal_error"),
        ({"v": True}, "v", "literal_error"),
        ({"v": "1"}, "v", "literal_error"),
        ({"action": None}, "action", "missing"),
        ({"action": 5}, "action", "string_type"),
        ({"data": None}, "data", "missing"),
        ({"data": []}, "data", "dict_type"),
        ({"more": 1}, "more", "unknown_field"),
        ({"data": {"x": 1}}, "data.x", "unknown_field"),
        ({"action": "sub.add", "data": {}}, "data.topic", "missing"),
        ({"action": "sub.add", "data": {"topic": 7}}, "data.topic", "string_type"),
        ({"action": "sub.add", "data": {"topic": "desk", "since": -1}}, "data.since",
         "greater_than_equal"),
        ({"action": "sub.add", "data": {"topic": "desk", "since": True}}, "data.since", "int_type"),
        ({"action": "sub.add", "data": {"topic": "desk", "since": 1.0}}, "data.since", "int_type"),
        ({"action": "chat.typing", "data": {"conversation_id": "cnv_1"}}, "data.conversation_id",
         "string_pattern_mismatch"),
        ({"action": "chat.send", "data": {"conversation_id": CONVERSATION, "text": " \n "}},
         "data.text", "string_pattern_mismatch"),
        ({"action": "chat.send", "data": {"conversation_id": CONVERSATION, "text": "a\x07"}},
         "data.text", "string_pattern_mismatch"),
        ({"action": "chat.send", "data": {"conversation_id": CONVERSATION, "text": "a" * 2001}},
         "data.text", "string_too_long"),
    ],
)  # fmt: skip
def test_fields_that_are_not_allowed_are_named(
    changes: dict[str, object], path: str, code: str
) -> None:
    """validation_failed with path and code, and with the id of the frame."""
    found = refused(frame(**changes))
    assert (found.error.code, found.re) == ("validation_failed", "frame-0001")
    assert [(one.path, one.code) for one in found.error.fields] == [(path, code)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("given", [None, "short", "x" * 65, "no spaces!", 7])
def test_unusable_id_is_not_sent_back(given: object) -> None:
    """A frame without a good id is answered with `re: null`."""
    found = refused(frame(id=given))
    assert (found.error.code, found.re) == ("validation_failed", None)


def test_unknown_action_has_its_own_code() -> None:
    """With the id of the frame."""
    found = refused(frame(action="chat.shout"))
    assert (found.error.code, found.re) == ("unknown_action", "frame-0001")
