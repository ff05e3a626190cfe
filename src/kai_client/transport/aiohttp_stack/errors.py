"""aiohttp's exceptions as httpx's, by the moment at which they come.

None of them is chained: they carry the heads of requests and the passwords of proxies. What the system said is.
"""

import aiohttp
import httpx

__all__ = ["CLOSED", "before_sending", "first_line", "in_body", "in_head"]

CLOSED = "The HTTP client was closed"
"""In these words `errors.py` knows a closed client."""


def before_sending(error: Exception) -> Exception:
    """What a connection that never came to be is in httpx: it tells the retries that nothing was sent."""
    match error:
        case aiohttp.ClientHttpProxyError():
            return httpx.ProxyError(f"{error.status} {error.message}".strip())
        case aiohttp.ClientConnectorError():
            return _caused(httpx.ConnectError, _of_system(error))
        case (
            aiohttp.InvalidURL()
            | aiohttp.ServerDisconnectedError()
            | aiohttp.ClientResponseError()
            | aiohttp.ClientOSError()
        ):
            # Also what a proxy does that was asked for a tunnel.
            return in_head(error)
        case aiohttp.ClientConnectionError() if type(error) is aiohttp.ClientConnectionError:
            return RuntimeError(CLOSED)  # the connector's words for it; it has no class
        case aiohttp.ClientError() | OSError():
            return _caused(httpx.ConnectError, _of_system(error))
        case _:
            return error


def in_head(error: Exception) -> Exception:
    """What went wrong between a request's first byte and the end of the answer's head: it may have been sent."""
    match error:
        case aiohttp.InvalidURL():
            return httpx.InvalidURL("The URL has no host that could be connected to")
        case TimeoutError():
            return httpx.ReadTimeout("No head of an answer in time")
        case aiohttp.ServerDisconnectedError():
            return httpx.RemoteProtocolError("Server disconnected without sending a response.")
        case aiohttp.ClientResponseError():
            return httpx.RemoteProtocolError(f"The head is not HTTP: {first_line(error.message)}")
        case aiohttp.ClientError() | OSError():
            return _caused(httpx.ReadError, _of_system(error))
        case _:
            return error


def in_body(error: Exception, lost: BaseException | None) -> Exception:
    """What went wrong in the answer's body, on a connection that was lost as `lost` says."""
    match error:
        case TimeoutError():
            return httpx.ReadTimeout("Nothing of the body in time")
        case _ if isinstance(lost, OSError):
            return _caused(httpx.ReadError, _of_system(lost))
        case aiohttp.ClientPayloadError():
            return httpx.RemoteProtocolError(f"The body is not whole: {error}")
        case aiohttp.ClientError() | OSError():
            return _caused(httpx.ReadError, _of_system(error))
        case RuntimeError() if lost is not None:
            # aiohttp's answer to a read after its parser gave up. To us "closed" would mean that the client was.
            return httpx.RemoteProtocolError(f"The body is not HTTP: {_text(lost)}")
        case _:
            return error


def first_line(message: str) -> str:
    """What aiohttp's parser says, without the bytes that it quotes."""
    return message.strip().partition("\n")[0].rstrip(":")


def _of_system(error: BaseException) -> BaseException:
    """What the socket or TLS said."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return error.certificate_error
        case aiohttp.ClientConnectorError():
            return error.os_error
        case _:
            return error


def _caused(kind: type[httpx.NetworkError], cause: BaseException) -> Exception:
    error = kind(_text(cause))
    if not isinstance(cause, aiohttp.ClientError):
        error.__cause__ = cause
    return error


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__
