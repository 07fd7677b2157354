"""The processes of the demo plant; each is started as ``python -m`` by the fleet and can be killed alone."""
