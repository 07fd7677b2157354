"""Ways by which a notice reaches a person or a program outside."""
