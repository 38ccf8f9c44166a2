"""The only folder that knows a chain. Begin with node.py; anvil.py starts one of our own."""
