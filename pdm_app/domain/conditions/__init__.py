"""Alarm conditions: one file per kind, listed in `any_condition`."""
