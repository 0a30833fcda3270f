"""``python -m benchmarks.probe URL EXECUTION_ARN``: a second client that asks DescribeExecution again and again.

It asks until its standard input ends, every 20 ms, and then prints how long each answer took, in milliseconds, as JSON.
"""

import http.client
import json
import select
import sys
import time
from urllib.parse import urlsplit

EVERY = 0.02
HEADERS = {"X-Amz-Target": "AWSStepFunctions.DescribeExecution", "Content-Type": "application/x-amz-json-1.0"}


def main(url: str, arn: str) -> None:
    where, body, took = urlsplit(url).netloc, json.dumps({"executionArn": arn}), []
    client = http.client.HTTPConnection(where, timeout=120)
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        began = time.perf_counter()
        client.request("POST", "/", body, HEADERS)
        answer = client.getresponse()
        answer.read()
        took.append((time.perf_counter() - began) * 1e3 if answer.status == 200 else float("inf"))
    print(json.dumps(took))


main(*sys.argv[1:])
