"""What benchmarks make on a server: a role's name, a function's archive, a table."""

import io
import json
import zipfile
from typing import Any, Final

ROLE: Final = "arn:aws:iam::123456789012:role/bench"
TRUST: Final = json.dumps(
    {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}
)
BY_ID: Final[dict[str, Any]] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
"""A table whose rows have the key ``id``."""


def packed(file: str, source: str) -> dict[str, bytes]:
    """A function's ``Code``: one file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(file, source)
    return {"ZipFile": content.getvalue()}
