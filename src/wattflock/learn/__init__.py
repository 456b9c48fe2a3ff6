"""Ways to a policy. The interface is `learner.Learner`; the parts stand in `learners`.

`lagrangian` cost against limits, and what learners by gradient share · `nets` a network per home · `clock` a
schedule for each kind · `critic` what the rest of a day costs · `fixed_policy` a policy that is given.
"""
