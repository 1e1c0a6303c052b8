"""From the bytes of a packet to its columns: link, network and transport layer, flow and stream.

Takes a packet's place in a buffer; gives one row of numbers (`fields`), in which nothing lies
outside the captured bytes, and places it in tables of fixed size: fragments (`ip`), flows, streams.
A layer that is cut or contradicts itself ends the decoding and is counted; what was read before it
is kept. Tunnels are opened: inner and outer addresses stand apart.

Every kernel here checks `p < end` before it reads byte p, and allocates nothing.
"""
