"""Scoring for the training range: what somebody said of a capture, held against the truth about it.

Takes the truth beside a capture of the range and what was said of the capture: otmon's findings as JSON
lines, or a person's answers as a sheet. Gives which steps of the attack were found, by what and how soon,
and what was a false alarm. Whoever answers is scored by the same rules, otmon too.

Promises: reads files only, and knows neither detectors nor how the range makes its captures; the order of
what was said plays no part; any bytes give a score or an error that names file and line.
"""
