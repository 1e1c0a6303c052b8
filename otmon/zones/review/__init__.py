"""What people look at before they sign a model, and when they change it.

`check` (what is doubtful) with `structure` (IEC 62443-3-2), `works` (importance), `covering` (permissions
that make others idle) and `usage` (what traffic needs of it); `diff` (one model and another) with `region`
(what permissions allow, as sets), `address_class` (hosts that no line tells apart) and `notation`; `paths`
(chains of permissions) with `devices` (hosts in several places).
"""
