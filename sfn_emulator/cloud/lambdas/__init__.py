"""Lambda: functions and their layers unpacked, run in worker processes, logged and answered as AWS does."""
