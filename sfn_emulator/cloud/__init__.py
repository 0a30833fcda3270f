"""The neighbours: moto mounted in process, Lambda code really run, the REST API data plane, and their journal."""
