"""The reference device agent: two slots, signed releases, tickets, and a way back that needs nobody.

It needs the standard library and `cryptography`, nothing else, and imports nothing of the product: what it takes from
the server it checks for itself.
"""
