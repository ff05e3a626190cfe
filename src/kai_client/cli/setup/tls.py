"""Problems with certificates, explained."""

import ssl
from typing import Final

__all__ = ["tls_advice"]

_EXPIRED: Final = {9, 10}
_UNKNOWN_ISSUER: Final = {2, 18, 19, 20, 21}
_OTHER_HOST: Final = {62, 64}
"""OpenSSL's X509_V_ERR_*."""


def tls_advice(error: BaseException) -> str | None:
    """What to do where a certificate was not accepted somewhere down the causes; None where that was not it."""
    found = _certificate_error(error)
    if found is None:
        return None
    code = getattr(found, "verify_code", 0)
    if code in _EXPIRED:
        return "the server's certificate is not valid at this time: check this computer's clock, then tell the server's owner"
    if code in _OTHER_HOST:
        return "the server's certificate is for another host: check the URL"
    if code in _UNKNOWN_ISSUER:
        return (
            "nobody known here signed the server's certificate: behind a company's proxy, set SSL_CERT_FILE to a PEM file "
            "with its certificate authority"
        )
    return f"the server's certificate was not accepted ({getattr(found, 'verify_message', '') or found})"


def _certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        if isinstance(each, ssl.SSLCertVerificationError):
            return each
        seen.add(id(each))
        each = each.__cause__ or each.__context__
    return None
