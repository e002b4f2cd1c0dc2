"""Deploying published layers to a folder of this machine, and what can be done with such a folder afterwards."""
