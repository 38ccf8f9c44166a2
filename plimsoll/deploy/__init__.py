"""Deployment to a network that others use: a plan, then steps that are never done twice, then a check of all of it.

    network    a network file: what is there already, what is deployed beside it, with which parameters
    record     deployments/<network>.json: what was done, and what is under way
    survey     whether the network is what the file says, and what does not fit
    plan       the same deployment played on a chain of one's own: what it does, and what it costs
    steps      one step after another, each recorded as soon as it is final
    verify     whether the code there is the code of these sources; what an explorer needs
    check      everything read back: expected, found, right or wrong
"""
