"""The training range, live: a plant as network namespaces of one Linux machine.

Takes a plant, gives its hosts with their real MAC addresses, each in a namespace of its own, joined by a
switch, a router and a mirror port; their services answer, their clients poll, the process runs in real
time, and a scenario is played against them. Nothing outside the range's own namespaces is touched: what is
made carries the range's name, and is found again by it.
"""
