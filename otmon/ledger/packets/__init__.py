"""The loop over packets, in kernels: each packet is counted, and its payload goes to who reads it.

- `observe` is the loop. `lookahead` reads the headers of the next packets, `known_flows` counts what most
  packets are.
- `payload` decides where a payload goes, `naming` which protocol its flow speaks, `takeover` when a command
  of another protocol changes that.
- Commands that somebody hides or cuts: `reordering` of segments, `urgent` data.
- `icmp_errors`: whose packet an error of ICMP answers. `endings`: flows and streams that are over.
"""
