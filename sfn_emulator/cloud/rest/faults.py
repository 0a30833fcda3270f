"""API Gateway's own error answers, and requests to other services in this process."""

from sfn_emulator.cloud.requests.message import Headers


class GatewayError(Exception):
    """An answer of API Gateway's own: status and message (``api-gateway-gateway-response`` types)."""

    def __init__(self, status: int, message: str, kind: str = "") -> None:
        self.status, self.message, self.kind = status, message, kind
        super().__init__(message)


def signed(service: str, region: str) -> Headers:
    """The headers that tell our gateway which service a request within this process is for."""
    return {"authorization": f"AWS4-HMAC-SHA256 Credential=apigateway/20200101/{region}/{service}/aws4_request"}
