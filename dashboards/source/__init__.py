"""Grafana's dashboards as code: each file gives one, `panels.py` the kinds of panels that they are made of.

``make dashboards`` writes them as JSON into `dashboards/json`, and Grafana's
provisioning reads them from there. Titles are Japanese and English. No part of the program imports this.
"""
