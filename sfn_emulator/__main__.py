"""``python -m sfn_emulator`` and ``sfn-emulator``: prints one line ``ready URL`` when it answers."""

import logging
import os
import sys

from sfn_emulator.settings import from_arguments


def main() -> None:
    """Serves until told to stop; exits with status 1 and one line on standard error when it can't start."""
    settings = from_arguments()
    from sfn_emulator.server import StartError, serve, warn_if_open  # --help and mistakes are answered without it

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    warn_if_open(settings)
    try:
        serve(settings, lambda endpoint: print(f"ready {endpoint}", flush=True))  # noqa: T201 - the one line promised
    except StartError as error:
        print(f"sfn-emulator: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    sys.stdout.flush()
    os._exit(0)  # all is written and closed; threads still waiting for something must not keep us from ending


if __name__ == "__main__":
    main()
