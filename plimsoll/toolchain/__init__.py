"""Set-up of the project on a machine. Standard library only, and readable by an old Python, which must get as far as
the message that names the one to install."""
