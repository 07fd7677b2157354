"""Typed state shared between server and browser, one file per noun: forms, selections and actions, never samples."""
