"""Breaks the product's own protocol at every point, and says what is wrong afterwards.

Nothing here knows how the protocol works: streams are opened and fed as an engine does it, on
the engine of plain lists and the store that forgets. A run is a function of what it starts from,
so one run yields the state that a crash at each of its points would leave, and every state is
run on from there: that makes pairs of crashes cheap. `python3 dev.py faults` runs all of it.

    state     what outlives every process, and the world of running ones
    feed      the streams: their rows, their blocks, who drives them
    judge     what is right, by row ids
    crashes   a crash at every point, and again in what follows
    failures  operations that fail, and operations whose reply is lost
    drivers   two drivers that take turns at every point
    scenarios the list of them all, and how far each goes
"""
