"""Passive in-memory hubs between producers and readers; nothing here runs by itself."""
