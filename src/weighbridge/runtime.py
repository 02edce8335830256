"""Start an application with the model that its environment names, or say which step failed and why.

    from weighbridge.runtime import load_from_env

    model = load_from_env()                      # StartFailed: .step, .cause, .report
    model.generate("Which shoes are made of hemp?", max_tokens=64)
    model.identity                               # what is loaded: repository, commit, sha256 of each file
    model.report.to_json()                       # the checklist, for a /health route

The variables are explained in docs/runtime.md. Each step is logged by ``weighbridge.runtime``; a token
or an address never is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from weighbridge.bridge.runtime import DEFAULT_CONTEXT, Started, start
from weighbridge.domain.loading import Prompt
from weighbridge.domain.start_report import Identity, Outcome, StartReport, Step
from weighbridge.errors import BadInput, StartFailed

__all__ = ["Identity", "LoadedModel", "StartFailed", "StartReport", "Step", "load_from_env"]
log = logging.getLogger(__name__)


class LoadedModel:
    """A model in memory that passed the checklist; may be asked from several threads.

    ``model`` is the library's own object (``llama_cpp.Llama``, ``peft.PeftModel``, a model of
    transformers), ``folder`` is where its files lie.
    """

    def __init__(self, started: Started, identity: Identity) -> None:
        self.identity, self.report, self.folder = identity, started.report, started.folder
        self._loaded = started.loaded

    @property
    def model(self) -> object:
        """The library's own object."""
        return self._loaded.model if self._loaded else None

    def generate(
        self,
        prompt: str,
        *,
        max_tokens: int = 256,
        temperature: float = 0.8,
        seed: int = 0,
        stop: Sequence[str] = (),
    ) -> str:
        """What the model adds to ``prompt``: at most ``max_tokens`` tokens, up to one of ``stop``.

        ``temperature`` 0 always takes the likeliest token. The same seed gives the same text.

        Raises:
            Invalid, BadInput: the prompt is empty or too long, or a number is out of range.
        """
        if self._loaded is None or self._loaded.speak is None:
            raise BadInput("this model makes no text")
        return self._loaded.speak(
            Prompt(text=prompt, max_tokens=max_tokens, temperature=temperature, seed=seed, stop=tuple(stop))
        )


def load_from_env(environ: Mapping[str, str] | None = None, *, context: int = DEFAULT_CONTEXT) -> LoadedModel:
    """Run the checklist of the environment and load the model; ``environ`` stands for the process's own.

    ``context`` is in tokens, for a GGUF model; one that was trained for fewer gets those.

    Raises:
        StartFailed: a step failed, and nothing was loaded: ``step`` names it, ``cause`` is the error,
            ``report`` is the checklist so far.
    """
    done = start(environ, context=context, told=_log)
    identity = done.report.identity
    if identity is None:
        raise AssertionError("a start that passed knows what it loaded")
    model = identity.model
    log.info(
        "loaded %s %s@%s, commit %s",
        identity.type,
        model.repo,
        model.version,
        model.commit or "none (MODEL_URL)",
    )
    return LoadedModel(done, identity)


def _log(step: Step) -> None:
    for warning in step.warnings:
        log.warning("start-up, %s: %s", step.name, warning)
    level = logging.ERROR if step.outcome is Outcome.FAILED else logging.INFO
    log.log(level, "start-up, %s: %s in %.3f s: %s", step.name, step.outcome.value, step.seconds, step.detail)
