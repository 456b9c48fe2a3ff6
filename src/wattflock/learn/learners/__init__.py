"""The learners that a scenario can name as `learn.part` or in `judge.methods`.

One file, one learner; the file's name is its name.
"""
