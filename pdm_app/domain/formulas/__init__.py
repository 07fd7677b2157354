"""Formulas over signals: a small language, parsed and compiled to numpy, never executed as Python."""
