"""`kai batch`: a file of prompts in, a file of answers out.

Rooms: `options` is the command line; `rows`, `template` and `prompts` read the input, `source` finds it and reports what is
wrong with it. `records` is a line of the output, `results` the file of them, `order` in which order they are written, and
`plan` what is left to do. `answering` is who answers a prompt, behind one protocol, `over_nats` another who does; `gate` is
the pause that all prompts share, `attempts` how often one is tried, `runner` how many at a time. `tally` counts, `progress`
tells; `job` is a run.
"""
