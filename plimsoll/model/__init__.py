"""The executable specification: the protocol in integers, without a chain."""
