"""Kai beyond one machine: a service, a client and workers over NATS. Needs the extra `nats` (FastStream and protobuf).

    broker.include_router(kai_router(backend))                # the service, on your own FastStream broker

    async with NatsKai.connect("nats://127.0.0.1:4222") as kai:   # the client, anywhere
        async with kai.send_message(kai.new_chat_id(), "Hi") as stream: ...

See docs/nats.md.
"""

from kai_client._extras import needs_extra

with needs_extra("nats", __name__):
    from .client import NatsKai
    from .messages import InferReply, InferRequest, Meta, Parameters
    from .router import kai_router

__all__ = ["InferReply", "InferRequest", "Meta", "NatsKai", "Parameters", "kai_router"]
