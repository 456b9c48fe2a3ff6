"""Every field of every part says what it means and in what unit."""

import dataclasses
import typing

import pytest

from wattflock.core.registry import ROOMS, interface, parts
from wattflock.core.scenario import fields
from wattflock.core.settings import descriptions, settings_model
from wattflock.verbs import study
from wattflock.verbs.explain import explanation

EVERY = [(room, name, kind) for room in ROOMS for name, kind in parts(room, interface(room)).items()]
every_part = pytest.mark.parametrize(("room", "name", "kind"), EVERY, ids=[f"{room}-{name}" for room, name, _ in EVERY])


def number(annotation: object) -> bool:
    return "float" in str(annotation)


@every_part
def test_every_field_that_can_be_set_is_described_with_its_unit(room, name, kind):
    settings = settings_model(kind).model_fields
    said = descriptions(kind) if room == "homes" else {field: info.description for field, info in settings.items()}
    names = [field.name for field in dataclasses.fields(kind)] if room == "homes" else list(settings)
    assert [field for field in names if not said.get(field)] == []
    numbers = names if room == "homes" else [field for field, info in settings.items() if number(info.annotation)]
    assert [field for field in numbers if "[" not in said[field]] == []


@pytest.mark.parametrize("name", parts("homes", interface("homes")))
def test_prices_of_a_device_are_those_fields_whose_unit_is_of_currency(name):
    kind = parts("homes", interface("homes"))[name]
    assert {field for field, text in descriptions(kind).items() if "[currency" in text} == set(kind.prices)


def test_every_field_of_a_scenario_is_described_with_its_unit():
    assert [name for name, field in fields().items() if not field.description and name.count(".") == 1] == []
    numbers = {name: field for name, field in fields().items() if number(field.annotation)}
    assert [name for name, field in numbers.items() if "[" not in (field.description or "")] == []


@pytest.mark.parametrize("name", [*fields(), *(name for _, name, _ in EVERY)])
def test_nothing_of_the_machinery_is_in_an_explanation(name):
    assert "Pydantic" not in explanation(name)


def test_the_help_of_parts_names_every_room():
    told = typing.get_type_hints(study.parts, include_extras=True)["room"].__metadata__[0]
    assert [room for room in ROOMS if room not in told] == []
