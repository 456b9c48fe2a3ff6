"""The standard interfaces of reinforcement learning: PettingZoo, Gymnasium, and pure functions.

    from wattflock import gym

    env = gym.parallel_env("portfolios")                 # PettingZoo ParallelEnv: every home is an agent
    env = gym.single_env("portfolios")                   # Gymnasium Env: all homes as one agent
    env = gym.vector_env("portfolios", days=16)          # Gymnasium VectorEnv: a row for each home and day
    env = gym.functional_env("portfolios")               # reset and step on arrays, for jit and vmap

The first three need `pip install 'wattflock[gym]'`. docs/gym.md describes observations, actions and rewards.
"""

from wattflock.gym.functional import Episode, FunctionalEnv
from wattflock.gym.make import functional_env, parallel_env, single_env, vector_env

__all__ = ["Episode", "FunctionalEnv", "functional_env", "parallel_env", "single_env", "vector_env"]
