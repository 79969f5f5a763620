"""How right and how fast the simulator is: beside queueing theory, and beside SimFaaS."""
