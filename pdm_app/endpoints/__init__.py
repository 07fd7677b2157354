"""Plain HTTP for devices and operations: ingest, sign-in cookies, health, metrics."""
