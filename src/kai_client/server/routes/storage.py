"""The corner of the Storage API that a client of Kai needs: the service index, and whose token it is (protocol 1)."""

from typing import Final, cast

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from kai_client.server.faults import Mode
from kai_client.server.hub import Hub, HubOf
from kai_client.server.records import PROJECT_ID
from kai_client.server.service import Caller
from kai_client.types import Json, JsonObject

__all__ = ["OTHER_MODE", "router", "service_id"]

router: APIRouter = APIRouter()

OTHER_MODE: Final[dict[Mode, Mode]] = {"agent": "assistant", "assistant": "agent"}

_INVALID: Final = {
    "error": "Invalid access token",
    "code": "storage.tokenInvalid",
    "exceptionId": "local-invalid-token",
}
_COMPONENTS: Final[list[Json]] = [
    {"id": f"keboola.{name}", "type": kind, "name": name.title()}
    for kind, names in {"extractor": ("ex-db-mysql", "ex-http"), "writer": ("wr-db-mysql",)}.items()
    for name in names
]


def service_id(mode: Mode) -> str:
    """The id under which a service of this kind is listed."""
    return f"kai-{mode}"


@router.get("/v2/storage")
async def index(request: Request, hub: HubOf, exclude: str = "") -> JSONResponse:
    """The service index. It answers without a token too, but not to a wrong one."""
    if hub.index.maintenance is not None:
        body = {"status": "maintenance", "estimatedEndTime": "2030-01-01T00:00:00Z", "reason": "on purpose"}
        return JSONResponse(body, 503, headers={"retry-after": str(hub.index.maintenance)})
    token = request.headers.get("x-storageapi-token")
    if token is not None and not hub.accepts(token):
        return JSONResponse(_INVALID, 401)
    base = str(request.base_url).rstrip("/")
    found: JsonObject = {
        "api": "storage",
        "version": "v2",
        "documentation": "https://keboola.docs.apiary.io/",
        "services": [_entry(name, url) for name, url in _services(hub, request, base).items()],
        "features": [],
        "urlTemplates": {},
    }
    if "components" not in exclude.split(","):
        found["components"] = _COMPONENTS
    return JSONResponse(found)


@router.get("/v2/storage/tokens/verify")
async def verify(request: Request, hub: HubOf) -> JSONResponse:
    """Whose token it is: a master token of the one local project. The token itself is not repeated."""
    token = request.headers.get("x-storageapi-token")
    if not token:
        return JSONResponse({"error": "Access token must be set", "code": ""}, 401)
    if not hub.accepts(token):
        return JSONResponse(_INVALID, 401)
    user = Caller(token=token).user_id
    return JSONResponse(
        {
            "id": user,
            "description": f"{user}@example.com",
            "token": "***",
            "created": "2024-01-01T00:00:00+0000",
            "refreshed": "2024-01-01T00:00:00+0000",
            "expires": None,
            "isMasterToken": True,
            "isExpired": False,
            "isDisabled": False,
            "canManageBuckets": True,
            "canManageTokens": True,
            "canReadAllFileUploads": True,
            "canPurgeTrash": True,
            "bucketPermissions": {},
            "componentAccess": [],
            "admin": {"id": 1, "name": user, "role": "admin", "features": [], "isOrganizationMember": True},
            "organization": {"id": "1"},
            "owner": {"id": int(PROJECT_ID), "name": "Local e-shop", "type": "demo", "region": "local", "features": []},
        }
    )


def _services(hub: Hub, request: Request, base: str) -> dict[str, str | None]:
    """By default the app itself, and its other mode below it; an assistant's stack is one that has no agent yet."""
    if hub.index.services is not None:
        return dict(hub.index.services)
    mode = cast("Mode", request.app.state.mode)
    other = service_id(OTHER_MODE[mode])
    own: dict[str, str | None] = {service_id(mode): base}
    return {**own, other: f"{base}/{other}"} if mode == "agent" else own


def _entry(name: str, url: str | None) -> JsonObject:
    return {"id": name} if url is None else {"id": name, "url": url}
