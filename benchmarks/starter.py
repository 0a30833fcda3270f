"""``python -m benchmarks.starter URL STATE_MACHINE_ARN SECONDS``: one client that starts executions as fast as it can.

Prints how long each StartExecution took, in milliseconds, as JSON.
"""

import json
import sys
import time

from benchmarks.wire import speak


def main(url: str, arn: str, seconds: str) -> None:
    client, took = speak(url), []
    until = time.perf_counter() + float(seconds)
    while (began := time.perf_counter()) < until:
        client.start_execution(stateMachineArn=arn)
        took.append((time.perf_counter() - began) * 1e3)
    print(json.dumps({"took": took}))


main(*sys.argv[1:])
