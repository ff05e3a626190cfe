"""The server itself, and the user's account with it: liveness, quota, settings, tools, suggestions (protocol 2.2)."""

from typing import Any

from fastapi import APIRouter, Depends

from kai_client.models import (
    AgentSettings,
    InfoResponse,
    PingResponse,
    SuggestionsResponse,
    ToolsListResponse,
    UsageResponse,
    UserAgentSettings,
)
from kai_client.server.bodies import SettingsBody, SuggestionsBody, UserSettingsBody
from kai_client.server.hub import HubOf, ServiceOf, agent_only
from kai_client.server.service import Caller

__all__ = ["router"]

router: APIRouter = APIRouter()

_AGENT_ONLY: Any = Depends(agent_only)
"""Settings, the catalogue and suggestions are kai-agent's (protocol 2.1)."""

_NOBODY = Caller(token="")
"""Ping and info come without a token (protocol 2.0)."""


@router.get("/ping")
async def ping(hub: HubOf) -> PingResponse:
    """The clock."""
    return await hub.service_for(_NOBODY).ping()


@router.get("/api")
async def info(hub: HubOf) -> InfoResponse:
    """What the server is; `connectedMcp` in the shape that the style says."""
    answer = await hub.service_for(_NOBODY).info()
    if hub.style.mcp == "object" and isinstance(answer.connected_mcp, list):
        connection = answer.mcp_connections[0] if answer.mcp_connections else None
        as_object = {"url": "http://localhost/mcp", "status": connection.status if connection else "disconnected"}
        return answer.model_copy(update={"connected_mcp": as_object})
    return answer


@router.get("/api/usage")
async def usage(service: ServiceOf) -> UsageResponse:
    """The message quota."""
    return await service.get_usage()


@router.get("/api/settings", dependencies=[_AGENT_ONLY])
async def settings(service: ServiceOf) -> AgentSettings:
    """The project's settings."""
    return await service.get_settings()


@router.patch("/api/settings", dependencies=[_AGENT_ONLY])
async def update_settings(body: SettingsBody, service: ServiceOf) -> AgentSettings:
    """Only the given keys change; `{}` changes nothing."""
    if not body.model_fields_set:
        return await service.get_settings()
    return await service.update_settings(custom_instructions=body.custom_instructions)


@router.get("/api/settings/user", dependencies=[_AGENT_ONLY])
async def user_settings(service: ServiceOf) -> UserAgentSettings:
    """The user's settings."""
    return await service.get_user_settings()


@router.patch("/api/settings/user", dependencies=[_AGENT_ONLY])
async def update_user_settings(body: UserSettingsBody, service: ServiceOf) -> UserAgentSettings:
    """Only the given keys change; `{}` changes nothing."""
    given = {name: getattr(body, name) for name in body.model_fields_set}
    return await service.update_user_settings(**given) if given else await service.get_user_settings()


@router.get("/api/settings/tools", dependencies=[_AGENT_ONLY])
async def tools(service: ServiceOf) -> ToolsListResponse:
    """The catalogue."""
    return await service.get_tools()


@router.post("/api/suggestions", dependencies=[_AGENT_ONLY])
async def suggestions(body: SuggestionsBody, service: ServiceOf) -> SuggestionsResponse:
    """What to ask next."""
    return await service.get_suggestions(body.context, body.data)
