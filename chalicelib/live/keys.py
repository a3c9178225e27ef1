"""Where the rows of connections, topics and pushes stand in the live table."""

from typing import Final

from chalicelib.aws.items import Key

META: Final = "META"
CONNECTION: Final = "CONN#"
SUBSCRIPTION: Final = "SUB#"
PUSH: Final = "EV#"
TOPIC: Final = "TOPIC#"
SEQUENCE: Final = "SEQ"


def connection_partition(connection_id: str) -> str:
    """A connection and its subscriptions."""
    return f"{CONNECTION}{connection_id}"


def connection_key(connection_id: str) -> Key:
    """The connection itself."""
    return connection_partition(connection_id), META


def subscription_key(connection_id: str, topic: str) -> Key:
    """One topic of a connection."""
    return connection_partition(connection_id), f"{SUBSCRIPTION}{topic}"


def topic_partition(topic: str) -> str:
    """The subscribers of a topic, its sequence and its pushes."""
    return f"{TOPIC}{topic}"


def subscriber_key(topic: str, connection_id: str) -> Key:
    """One subscriber of a topic."""
    return topic_partition(topic), f"{CONNECTION}{connection_id}"


def sequence_key(topic: str) -> Key:
    """The last sequence number of a topic."""
    return topic_partition(topic), SEQUENCE


def push_key(topic: str, seq: int) -> Key:
    """One push that can be replayed."""
    return topic_partition(topic), f"{PUSH}{seq:012d}"


def part_key(part_id: str) -> Key:
    """A part of a fan-out that is sent later."""
    return f"PART#{part_id}", META


def user_partition(user_id: str) -> str:
    """Index 1: the connections of a user."""
    return f"UCONN#{user_id}"
