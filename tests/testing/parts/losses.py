"""A small sound loss, and one for each fault."""

import torch


class Good:
    def __init__(self, options, problem):
        self.width = options.width

    def critic_term(self, step):
        return step.critic(step.fake).mean() - step.critic(step.real).mean()

    def generator_term(self, step):
        return -sum(scores.mean() for scores in step.scores.values())


class NoTerm(Good):
    def critic_term(self, step):
        return None

    def generator_term(self, step):
        return None


class Vector(Good):
    def critic_term(self, step):
        return step.critic(step.fake)


class NotFinite(Good):
    def generator_term(self, step):
        return super().generator_term(step) / 0


class Random(Good):
    def critic_term(self, step):
        return super().critic_term(step) * torch.rand(())


class InPlace(Good):
    def critic_term(self, step):
        step.real.mul_(2)
        return super().critic_term(step)


class Unpicklable(Good):
    def __init__(self, options, problem):
        self.act = lambda x: x
