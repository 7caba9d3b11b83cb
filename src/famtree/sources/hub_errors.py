"""Every failure of the Hub library and its HTTP client, in famtree's own words.

The tables go by class name, so that neither library is imported to read them.
"""

from __future__ import annotations

from famtree.errors import (
    AccessError,
    FamtreeError,
    NetworkError,
    NotFoundError,
    OfflineError,
    UnreadableError,
    UsageError,
)

ABSENT = "does not exist, or is private and needs a token (HF_TOKEN / hf auth login)"

_LOGIN_HINT = "set HF_TOKEN or run `hf auth login` with a token that may read the repository"
_RETRY_HINT = "try again later; --offline answers from what is already cached"
_CACHE_HINT = "delete the damaged entry below HF_HOME and fetch again"
_REPORT_HINT = "famtree does not use this part of huggingface_hub; please report it"

_Row = tuple[type[FamtreeError], str, str]

_LIBRARY: dict[str, _Row] = {
    # Cache.
    "CacheNotFound": (NotFoundError, "the Hub cache does not exist", "check HF_HOME"),
    "CorruptedCacheException": (UnreadableError, "the Hub cache is damaged", _CACHE_HINT),
    "CachedRepoTreeNotFoundError": (OfflineError, "the listing is not cached", _RETRY_HINT),
    "LocalEntryNotFoundError": (OfflineError, "the file is not cached", _RETRY_HINT),
    "IncompleteSnapshotError": (OfflineError, "the cached snapshot is incomplete", _RETRY_HINT),
    "OfflineModeIsEnabled": (
        OfflineError,
        "offline mode is on",
        "unset HF_HUB_OFFLINE, or fetch the checkpoint while online first",
    ),
    # Tokens.
    "LocalTokenNotFoundError": (AccessError, "a token is needed and none was found", _LOGIN_HINT),
    "OIDCError": (AccessError, "the keyless token exchange failed", "check HF_OIDC_RESOURCE"),
    "DeviceCodeError": (AccessError, "the stored login could not be renewed", _LOGIN_HINT),
    # Repositories, revisions, files.
    "RepositoryNotFoundError": (
        NotFoundError,
        ABSENT,
        f"check the spelling; if it is private, {_LOGIN_HINT}",
    ),
    "GatedRepoError": (AccessError, "is gated and access was not granted", _LOGIN_HINT),
    "DisabledRepoError": (
        AccessError,
        "was disabled by the Hub or its owner",
        "look at the model page for the reason",
    ),
    "RevisionNotFoundError": (
        NotFoundError,
        "has no such revision",
        "check the branch, tag or commit on the model page",
    ),
    "RevisionResolutionError": (OfflineError, "the revision is not cached", _RETRY_HINT),
    "EntryNotFoundError": (NotFoundError, "has no such file", "look at the model page's files"),
    "RemoteEntryNotFoundError": (
        NotFoundError,
        "has no such file",
        "look at the model page's files",
    ),
    "NotASafetensorsRepoError": (NotFoundError, "has no safetensors weights", ""),
    # HTTP.
    "HfHubHTTPError": (NetworkError, "the Hub answered with an error", _RETRY_HINT),
    "BadRequestError": (
        NetworkError,
        "the server rejected the request as malformed",
        "check the repository id, the revision, HF_ENDPOINT and any proxy in between",
    ),
    "FileMetadataError": (
        NetworkError,
        "the server does not behave like the Hub",
        "check HF_ENDPOINT and any proxy in between",
    ),
    "XetDownloadError": (NetworkError, "the download from Xet storage failed", _RETRY_HINT),
    "InferenceTimeoutError": (NetworkError, "timed out", _RETRY_HINT),
    # Forms.
    "HFValidationError": (UsageError, "is not a valid Hub id", "write org/name"),
    "HfUriError": (UsageError, "is not a valid hf:// address", "write hf://org/name"),
    # Contents.
    "SafetensorsParsingError": (
        UnreadableError,
        "holds a malformed safetensors header",
        "the file may be incomplete; fetch it again",
    ),
    "DDUFError": (UnreadableError, "holds a malformed DDUF file", _REPORT_HINT),
    "DDUFCorruptedFileError": (UnreadableError, "holds a damaged DDUF file", _REPORT_HINT),
    "DDUFExportError": (UnreadableError, "a DDUF file could not be made", _REPORT_HINT),
    "DDUFInvalidEntryNameError": (UnreadableError, "a DDUF entry is misnamed", _REPORT_HINT),
} | dict.fromkeys(
    # Parts of the library that famtree never calls; mapped so that nothing can slip through.
    (
        "BucketNotFoundError",
        "BucketBatchError",
        "JobNotFoundError",
        "InferenceEndpointError",
        "InferenceEndpointTimeoutError",
        "TextGenerationError",
        "ValidationError",
        "GenerationError",
        "OverloadedError",
        "IncompleteGenerationError",
        "UnknownError",
        "DryRunError",
        "StrictDataclassError",
        "StrictDataclassDefinitionError",
        "StrictDataclassFieldValidationError",
        "StrictDataclassClassValidationError",
        "FileDuplicationError",
        "CLIError",
        "ConfirmationError",
        "CLIExtensionInstallError",
        "SandboxError",
        "SandboxCommandError",
    ),
    (FamtreeError, "an unexpected part of huggingface_hub failed", _REPORT_HINT),
)

_CLIENT: dict[str, _Row] = {
    "ProxyError": (
        NetworkError,
        "the proxy refused the connection",
        "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY",
    ),
    "NewConnectionError": (
        NetworkError,
        "no connection could be made",
        "check the network and HF_ENDPOINT; --offline answers from what is already cached",
    ),
    "ConnectTimeoutError": (NetworkError, "the connection timed out", _RETRY_HINT),
    "TimeoutError": (
        NetworkError,
        "the answer did not arrive in time",
        "raise HF_HUB_DOWNLOAD_TIMEOUT (seconds) or try again later",
    ),
    "ProtocolError": (NetworkError, "the server broke off its answer", _RETRY_HINT),
    "SSLError": (
        NetworkError,
        "no encrypted connection could be made",
        "check the network, the proxy and SSL_CERT_FILE",
    ),
    "DecodeError": (NetworkError, "the answer was damaged on its way", _RETRY_HINT),
    "URLSchemeUnknown": (UsageError, "HF_ENDPOINT is not an http(s) address", "check it"),
    "LocationValueError": (UsageError, "the address is not valid", "check HF_ENDPOINT"),
    "HTTPError": (NetworkError, "the request failed", _RETRY_HINT),
    "OSError": (
        NetworkError,
        "the connection could not be set up",
        "check the network, the proxy and SSL_CERT_FILE",
    ),
}

_NAME_FAULTS = (
    "name or service not known",
    "name resolution",
    "nodename nor servname",
    "getaddrinfo failed",
    "no address associated",
)


def is_mapped(kind: type[BaseException]) -> bool:
    """Return whether `kind` has its own row, not only that of a base class."""
    return kind.__name__ in _LIBRARY or kind.__name__ in _CLIENT


def translate(error: BaseException, *, what: str = "the Hub", page: str = "") -> FamtreeError:
    """Return famtree's error for `error`, raised by huggingface_hub or its HTTP client.

    `what` names the repository or file the message is about, `page` its model page. An error of
    neither library becomes a plain FamtreeError (exit 70); one of famtree's own is returned as is.
    """
    if isinstance(error, FamtreeError):
        return error
    status = getattr(getattr(error, "response", None), "status_code", None)
    if type(error).__name__ == "HfHubHTTPError" and isinstance(status, int):
        return _by_status(status, error, what)
    made, words, hint = _row(error)
    lowered = str(error).lower()
    if made is NetworkError and "certificate" in lowered:
        words, hint = (
            "the server's certificate is not trusted",
            "a proxy may intercept TLS: set SSL_CERT_FILE to its certificate",
        )
    elif made is NetworkError and any(fault in lowered for fault in _NAME_FAULTS):
        words = "the host name could not be resolved"
    if type(error).__name__ == "GatedRepoError" and page:
        hint = f"request access at {page}, then {_LOGIN_HINT}"
    joint = " " if words.startswith(("is ", "has ", "holds ", "was ", "does ")) else ": "
    return made(f"{what}{joint}{words}", hint=hint)


def _row(error: BaseException) -> _Row:
    for kind in type(error).__mro__:
        row = _LIBRARY.get(kind.__name__) or _CLIENT.get(kind.__name__)
        if row is not None:
            return row
    return FamtreeError, f"{type(error).__name__}: {error}"[:300], _REPORT_HINT


def _by_status(status: int, error: BaseException, what: str) -> FamtreeError:
    said = getattr(error, "server_message", None)
    tail = f" ({' '.join(said.split())[:200]})" if isinstance(said, str) and said.strip() else ""
    if status == 401:
        return AccessError(f"{what}: the token was not accepted{tail}", hint=_LOGIN_HINT)
    if status == 403:
        return AccessError(f"{what} may not be read with this token{tail}", hint=_LOGIN_HINT)
    if status == 404:
        return NotFoundError(
            f"{what} was not found{tail}", hint="check the reference and HF_ENDPOINT"
        )
    if status == 429:
        return NetworkError(
            f"{what}: the Hub's rate limit is reached",
            hint=f"wait {_asked_pause(error)} and try again; a token (HF_TOKEN) raises the limit",
        )
    if status >= 500:
        return NetworkError(f"{what}: the server failed with status {status}", hint=_RETRY_HINT)
    return NetworkError(
        f"{what}: the server answered with status {status}{tail}",
        hint="check HF_ENDPOINT and any proxy in between",
    )


def _asked_pause(error: BaseException) -> str:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    asked = str(headers.get("retry-after", "")).strip()
    plain = asked.isascii() and asked.isdecimal() and len(asked) <= 6
    return f"{asked} seconds" if plain and int(asked) else "some minutes"
