"""The page of commands is what the commands say of themselves."""

from tests.house.commands import PAGE, text


def test_the_page_of_commands_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == text()
