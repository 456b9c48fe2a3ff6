"""A library of somebody else's trains the homes: PPO of skrl, on the vector environment of Gymnasium.

Needs the extra and the library: pip install 'wattflock[gym]' 'skrl[jax]'
"""

# %% Ten homes with batteries and panels at the mid-market rate; a row of the environment is one home on one day.
import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from skrl.agents.jax.ppo import PPO, PPO_CFG
from skrl.envs.wrappers.jax import wrap_env
from skrl.memories.jax import RandomMemory
from skrl.models.jax import DeterministicMixin, GaussianMixin, Model
from skrl.trainers.jax import SequentialTrainer

import wattflock as wf
from wattflock import gym

HOMES, DAYS, ROUNDS = 10, 8, 40
scenario = wf.load(
    changes={
        "homes.count": HOMES,
        "homes.kinds": [{"name": "battery and panel", "share": 1.0, "devices": ["battery", "panel"]}],
        "feeder.part": "none",
        "market.part": "mid_market",
        "market.settings": {"export_share": 0.3},
    }
)
built = wf.build(scenario)


# %% One policy that all homes share, and its value.
class Actor(GaussianMixin, Model):
    def __init__(self, observation_space, action_space, device=None, **more):
        Model.__init__(self, observation_space=observation_space, action_space=action_space, device=device, **more)
        GaussianMixin.__init__(self, clip_actions=True)

    @nn.compact
    def __call__(self, inputs, role):
        hidden = nn.tanh(nn.Dense(32)(nn.tanh(nn.Dense(32)(inputs["observations"]))))
        spread = self.param("spread", lambda _: -jnp.ones(self.num_actions))
        return nn.Dense(self.num_actions, kernel_init=nn.initializers.normal(0.01))(hidden), {"log_std": spread}


class Critic(DeterministicMixin, Model):
    def __init__(self, observation_space, action_space, device=None, **more):
        Model.__init__(self, observation_space=observation_space, action_space=action_space, device=device, **more)
        DeterministicMixin.__init__(self)

    @nn.compact
    def __call__(self, inputs, role):
        return nn.Dense(1)(nn.tanh(nn.Dense(32)(nn.tanh(nn.Dense(32)(inputs["observations"]))))), {}


# %% Training: a round is one day of every row, and the step that begins the next one.
def ppo(env, rounds):
    """A shared policy, trained."""
    spaces = {"observation_space": env.observation_space, "action_space": env.action_space, "device": env.device}
    models = {"policy": Actor(**spaces), "value": Critic(**spaces)}
    for role, model in models.items():
        model.init_state_dict(role=role)
    length = built.world.steps + 1
    quiet = {"write_interval": 0, "checkpoint_interval": 0}
    settings = PPO_CFG(rollouts=length, learning_epochs=8, mini_batches=4, learning_rate=3e-3, discount_factor=0.99,
                       experiment=quiet)  # fmt: skip
    memory = RandomMemory(memory_size=length, num_envs=env.num_envs, device=env.device)
    agent = PPO(models=models, memory=memory, cfg=settings, **spaces)
    told = {"timesteps": rounds * length, "headless": True, "disable_progressbar": True}
    SequentialTrainer(cfg=told, env=env, agents=agent).train()
    return agent


agent = ppo(wrap_env(gym.vector_env(built, days=DAYS)), ROUNDS)


# %% Judging: the same test days under the trained policy and without control.
def cost(act):
    """Mean cost of a home and day on the first test days [currency]."""
    env = gym.vector_env(built, days=7, split="test")
    seen, _ = env.reset(options={"day": list(range(7))})
    total, over = 0.0, False
    while not over:
        seen, reward, _, truncated, _ = env.step(act(seen))
        total, over = total - reward.sum(), bool(truncated.all())
    return total / env.num_envs


def trained(seen):
    return np.asarray(agent.models["policy"].act({"observations": jnp.asarray(seen)}, role="policy")[1]["mean_actions"])


idle, learned = cost(lambda seen: np.zeros((len(seen), 1))), cost(trained)
print(f"cost of a home and day: {idle:.2f} without control, {learned:.2f} after training")
