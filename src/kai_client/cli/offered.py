"""Backends lack routes: kai-assistant has no settings, for one (protocol 2.1)."""

from collections.abc import Generator
from contextlib import contextmanager

from kai_client import KaiClient, KaiError
from kai_client.approvals.catalogue import is_absent

from .exit_codes import Failure

__all__ = ["if_offered"]


@contextmanager
def if_offered(client: KaiClient, what: str) -> Generator[None]:
    """Around a request that only some backends answer. Raises a `Failure` that says so for a 404."""
    try:
        yield
    except KaiError as error:
        if not is_absent(error):
            raise
        raise Failure(f"This backend ({client.backend or client.base_url}) does not offer {what}") from error
