"""The keeper: watches every account of a deployment, and liquidates whatever sinks below its line. Begin with run.py."""
