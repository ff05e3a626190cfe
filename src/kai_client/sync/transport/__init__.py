# Made of kai_client/transport/__init__.py by scripts/generate_sync.py: change that, and run this.
"""The only room that knows HTTP: requests and byte streams in, JSON and bytes out, every failure a `KaiError`."""

from kai_client.sync.transport.carrier import Body, Carrier, Lines
from kai_client.sync.transport.connections import Connections
from kai_client.sync.transport.discovery import discover
from kai_client.sync.transport.http import Transport
from kai_client.sync.transport.stacks import NetworkStack
from kai_client.sync.transport.stream_body import StreamBody
from kai_client.transport.credentials import Credentials
from kai_client.transport.limits import Limits
from kai_client.transport.log import logged, redacted, set_up_logging
from kai_client.transport.requests import StreamHead, StreamRequest
from kai_client.transport.retry import RetryDetails, RetryHook, RetryPolicy
from kai_client.transport.timeouts import Timeouts, TimeoutTypes
from kai_client.transport.urls import base_url, checked_id, path_segment, storage_root

__all__ = [
    "Body",
    "Carrier",
    "Connections",
    "Credentials",
    "Limits",
    "Lines",
    "NetworkStack",
    "RetryDetails",
    "RetryHook",
    "RetryPolicy",
    "StreamBody",
    "StreamHead",
    "StreamRequest",
    "TimeoutTypes",
    "Timeouts",
    "Transport",
    "base_url",
    "checked_id",
    "discover",
    "logged",
    "path_segment",
    "redacted",
    "set_up_logging",
    "storage_root",
]
