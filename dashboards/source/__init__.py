"""Grafana's dashboards as code: each file gives one, `panels.py` the kinds of panels that they are made of.

``python -m dashboards.source`` (``make dashboards``) writes them as JSON beside this folder, and Grafana's
provisioning reads them from there. Titles are Japanese and English. No part of the program imports this.
"""
