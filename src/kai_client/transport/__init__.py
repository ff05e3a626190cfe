"""The only room that knows HTTP: requests and byte streams in, JSON and bytes out, every failure a `KaiError`."""

from .carrier import Body, Carrier, Lines
from .connections import Connections
from .credentials import Credentials
from .discovery import discover
from .http import Transport
from .limits import Limits
from .log import logged, redacted, set_up_logging
from .requests import StreamHead, StreamRequest
from .retry import RetryDetails, RetryHook, RetryPolicy
from .stacks import NetworkStack
from .stream_body import StreamBody
from .timeouts import Timeouts, TimeoutTypes
from .urls import base_url, checked_id, path_segment, storage_root

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
