"""The only room that knows HTTP: requests and byte streams in, JSON and bytes out, every failure a `KaiError`."""

from .discovery import discover
from .http import Credentials, StreamHead, StreamRequest, Transport
from .urls import base_url, checked_id, path_segment, storage_root

__all__ = [
    "Credentials",
    "StreamHead",
    "StreamRequest",
    "Transport",
    "base_url",
    "checked_id",
    "discover",
    "path_segment",
    "storage_root",
]
