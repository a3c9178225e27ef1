"""Whether an upload is a picture that the shop takes: bytes first, limits next, pixels last."""

from chalicelib.media.containers import FRAMES_MAX, Malformed, claim_of, is_too_large, sniff
from chalicelib.media.decoding import Foreign
from chalicelib.media.findings import Reason, Undecodable, Verdict


def inspect(raw: bytes, declared_type: str) -> Verdict:
    """Judge an upload; every file gets a verdict, none an exception but for lack of memory."""
    media_type = sniff(raw)
    if media_type is None:
        return Verdict(None, reason=Reason.UNSUPPORTED_TYPE)
    if media_type != declared_type:
        return Verdict(media_type, reason=Reason.TYPE_MISMATCH)
    reason = _beyond_limits(raw, media_type)
    return Verdict(media_type, reason=reason) if reason else _decoded(raw, media_type)


def _beyond_limits(raw: bytes, media_type: str) -> Reason | None:
    try:
        claim = claim_of(raw, media_type)
    except Malformed:
        return Reason.CORRUPT
    if is_too_large(claim.width, claim.height):
        return Reason.TOO_MANY_PIXELS
    return Reason.TOO_MANY_FRAMES if claim.frames > FRAMES_MAX else None


def _decoded(raw: bytes, media_type: str) -> Verdict:
    try:
        foreign = Foreign(raw, media_type)
        if is_too_large(*foreign.size):
            return Verdict(media_type, reason=Reason.TOO_MANY_PIXELS)
        foreign.check()
        width, height = foreign.upright_size
    except Undecodable:
        return Verdict(media_type, reason=Reason.CORRUPT)
    return Verdict(media_type, width, height)
