"""REST routes of uploads."""

from dataclasses import asdict
from typing import Final, cast

from chalicelib.aws.rates import RateRule
from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import HttpBlueprint
from chalicelib.edge.replies import Reply
from chalicelib.kernel.clock import instant
from chalicelib.kernel.domain_events import Actor, ActorType, Cause
from chalicelib.kernel.errors import Conflict
from chalicelib.media import service
from chalicelib.media.rules import Media, NotUsable, OriginalGone, Stored
from chalicelib.media.schemas import (
    AttachedView,
    AttachPicture,
    MediaView,
    RenditionView,
    ReprocessedView,
    RequestedView,
    RequestUpload,
    UploadForm,
)
from chalicelib.media.service import Visitor
from chalicelib.media.wiring import deps, media_base_url
from chalicelib.products.pictures import rendition_url
from chalicelib.products.presentation import product_view
from chalicelib.users.authorizer import CUSTOMER, require_scope, staff

UPLOADS: Final = RateRule("media-uploads", 200, 3600)
KEEPER: Final = staff("catalogue")

blueprint: Final = HttpBlueprint(__name__)


@blueprint.route("/media/uploads", methods=["POST"], access=CUSTOMER)
@documented(request=RequestUpload, replies={201: RequestedView}, limits=[(UPLOADS, "user")])
def post_upload(call: Call) -> Reply:
    """Ask for a form with which the browser sends a picture straight to the bucket."""
    wanted = call.body(RequestUpload)
    if wanted.purpose == "product":
        require_scope(call.caller, "catalogue")
    made = service.request_upload(wanted, call.caller.user_id, _cause(call), deps())
    form = UploadForm(url=made.url, fields=dict(made.fields), expires_at=made.expires_at)
    return Reply(201, RequestedView(media=media_view(made.media), upload=form))


@blueprint.route("/media/{media_id}", methods=["GET"], access=CUSTOMER)
@documented(replies={200: MediaView})
def get_media(call: Call, media_id: str) -> Reply:
    """Read how far an upload has come."""
    return Reply(200, media_view(service.read_media(media_id, _visitor(call), deps())))


@blueprint.route("/media/{media_id}/attach", methods=["POST"], access=KEEPER)
@documented(request=AttachPicture, replies={200: AttachedView}, errors=[NotUsable])
def post_attach(call: Call, media_id: str) -> Reply:
    """Hang a picture at a product."""
    wanted, visitor = call.body(AttachPicture), _visitor(call)
    display = service.attach_picture(media_id, wanted, visitor, _cause(call), deps())
    return Reply(200, AttachedView(product=product_view(display, is_public=False)))


@blueprint.route("/media/{media_id}/reprocess", methods=["POST"], access=KEEPER)
@documented(replies={202: ReprocessedView}, errors=[Conflict, OriginalGone])
def post_reprocess(call: Call, media_id: str) -> Reply:
    """Make the renditions of a picture anew."""
    media = service.reprocess(media_id, _visitor(call), _cause(call), deps())
    return Reply(202, ReprocessedView(media=media_view(media)))


@blueprint.route("/media/{media_id}", methods=["DELETE"], access=CUSTOMER)
@documented(replies={204: None}, errors=[Conflict])
def delete_media(call: Call, media_id: str) -> Reply:
    """Delete an upload; a picture is taken down first."""
    service.delete_media(media_id, _visitor(call), _cause(call), deps())
    return Reply(204)


def media_view(media: Media) -> MediaView:
    """An upload as its owner sees it."""
    return MediaView(
        id=media.id,
        purpose=media.purpose,
        status=media.status.value,
        content_type=media.content_type,
        width=media.width,
        height=media.height,
        placeholder=media.placeholder,
        alt=media.alt,
        reject_reason=media.reject_reason,
        renditions=[_rendition(one) for one in media.renditions],
        attached_to=media.attached_to,
        created_at=media.created_at,
        updated_at=media.updated_at,
        version=media.version,
    )


def _rendition(stored: Stored) -> RenditionView:
    fields = asdict(stored)
    url = rendition_url(media_base_url(), fields.pop("key"))
    return RenditionView(**fields, url=url)


def _visitor(call: Call) -> Visitor:
    keeps = "catalogue" in call.caller.scopes
    if keeps:
        require_scope(call.caller, "catalogue")
    return Visitor(call.caller.user_id, keeps)


def _cause(call: Call) -> Cause:
    actor = Actor(cast("ActorType", call.caller.actor_type), call.caller.user_id)
    return Cause(instant(deps().clock.now()), actor, call.correlation_id)
