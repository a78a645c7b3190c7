"""How fast does the embedded language model answer, and where does the time go?

    python -m bench.answer_speed [--prompt 64 128 320 420] [--context 400] [--rounds 7] [--threads N] [--no-tests]

In: SmolLM2's converted weights in the cache folder (a LoRA merged into them changes no time). Out: a report, its last
line one JSON object. Two paths in one process, in the order A-B-B-A: A is the model's plain definition in float32 (with
the same static cache), B the engine in each precision. The engine's tests run first, and the two must predict the same
tokens; otherwise there is no number. The load of the machine shows in the spread from the 20th to the 80th percentile.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from app.assets_store import asset_paths
from app.language.decoding import Engine, EngineConfig, FusedDecoder, StaticKVCache, best_precision
from app.language.embedded.smollm import SmolLM
from app.language.embedded.weights import load_decoder, load_smollm

ROOT = Path(__file__).resolve().parent.parent
MAX_TOKENS, ANSWER_TOKENS, QUESTION_TOKENS, MIN_AGREEMENT = 1024, 12, 40, 0.95
LINEAR = ("mkldnn::_linear_pointwise", "aten::addmm", "aten::mm", "aten::linear", "mkldnn::_linear")
ATTENTION = ("aten::bmm", "aten::_softmax", "aten::masked_fill_")


def main() -> int:
    options = parse_options()
    if (
        options.tests
        and subprocess.run([sys.executable, "-m", "pytest", "-q", "tests/app/language/decoding"], cwd=ROOT).returncode
    ):
        print("the engine's tests fail: no figures")
        return 1
    torch.set_num_threads(options.threads)
    paths = asset_paths()
    model = load_smollm(paths.smollm2)
    report: dict[str, object] = {"device": f"{cpu_name()}, {options.threads} threads", **versions()}
    report["omp_wait_policy"] = os.environ.get("OMP_WAIT_POLICY", "not set")
    report["default_precision"] = best_precision("cpu")
    for precision in ("float32", "bfloat16"):
        decoder = load_decoder(paths.smollm2, precision=precision)
        agreement = predicted_alike(model, decoder)
        print(f"\n{precision}: {agreement:.1%} of next tokens as the definition predicts them")
        report[f"{precision}_agreement"] = round(agreement, 4)
        if agreement < MIN_AGREEMENT:
            print(f"less than {MIN_AGREEMENT:.0%} alike: no figures")
            return 1
        report |= {f"{precision}_{name}": value for name, value in measure(model, decoder, options).items()}
    print(json.dumps(report))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Prefill and decode times of the embedded language model.")
    parser.add_argument("--prompt", type=int, nargs="+", default=[64, 128, 320, 420], help="prompt lengths in tokens")
    parser.add_argument("--context", type=int, default=400, help="tokens before the first decoded one")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--no-tests", dest="tests", action="store_false")
    options = parser.parse_args()
    if not all(QUESTION_TOKENS < length < MAX_TOKENS - ANSWER_TOKENS for length in [*options.prompt, options.context]):
        parser.error(f"lengths must be between {QUESTION_TOKENS + 1} and {MAX_TOKENS - ANSWER_TOKENS - 1} tokens")
    return options


def cpu_name() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    return {"versions": f"Python {platform.python_version()}, torch {torch.__version__}", "command": " ".join(sys.argv)}


def predicted_alike(model: SmolLM, decoder: FusedDecoder) -> float:
    """The share of positions at which both paths predict the same next token, on text that the model wrote itself."""
    engine = Engine(decoder)
    engine.prefill(engine.embed([1]))
    ids = [1, *engine.decode_greedy((), 160)]
    with torch.inference_mode():
        expected = model.logits(model(model.embed(torch.tensor([ids])), torch.arange(len(ids))[None]))[0].argmax(dim=-1)
        found = decoder.next_ids(decoder.forward(engine.embed(ids), decoder.new_cache(len(ids))))
    return (expected == found).float().mean().item()


def measure(model: SmolLM, decoder: FusedDecoder, options: argparse.Namespace) -> dict[str, object]:
    engine = Engine(decoder, EngineConfig(max_tokens=MAX_TOKENS))
    plain = PlainPath(model)
    ids = torch.arange(1000, 1000 + MAX_TOKENS)
    embeddings = decoder.embed(ids)
    figures: dict[str, object] = {}
    for length in options.prompt:
        prompt = embeddings[:length]
        runs = partial(plain.prefill, prompt), partial(answer, engine, prompt, 0)
        figures |= compare(f"prefill_{length}", *runs, options.rounds)
    context = embeddings[: options.context]
    figures |= compare(
        f"answer_{ANSWER_TOKENS}_tokens",
        lambda: plain.answer(context),
        lambda: answer(engine, context, ANSWER_TOKENS),
        options.rounds,
    )
    questions = iter(
        embeddings[-QUESTION_TOKENS:].repeat(options.rounds * 4, 1, 1) + torch.rand(options.rounds * 4, 1, 1)
    )
    figures |= compare(
        f"next_question_{QUESTION_TOKENS}_tokens",
        lambda: plain.prefill(context),
        lambda: engine.prefill(torch.cat((context[:-QUESTION_TOKENS], next(questions)))),
        options.rounds,
    )
    engine.reset()
    figures["prefill_shares"] = time_shares(lambda: engine.prefill(context))
    figures["decode_shares"] = time_shares(lambda: list(engine.decode_greedy((), ANSWER_TOKENS)))
    print(f"  prefill of {options.context} tokens: {figures['prefill_shares']}")
    print(f"  decoding of {ANSWER_TOKENS} tokens: {figures['decode_shares']}")
    return figures


class PlainPath:
    """The baseline: the model's definition, one call for each step."""

    def __init__(self, model: SmolLM) -> None:
        self._model = model
        self._cache = StaticKVCache(
            num_layers=model.config.num_layers,
            num_kv_heads=model.config.num_kv_heads,
            head_dim=model.config.head_dim,
            max_tokens=MAX_TOKENS,
        )

    @torch.inference_mode()
    def step(self, embeddings: torch.Tensor) -> int:
        start, count = self._cache.length, embeddings.shape[0]
        hidden = self._model(embeddings[None], torch.arange(start, start + count)[None], cache=self._cache)
        self._cache.commit(count)
        return int(self._model.logits(hidden[0, -1]).argmax())

    def prefill(self, embeddings: torch.Tensor) -> int:
        self._cache.truncate(0)
        return self.step(embeddings)

    def answer(self, embeddings: torch.Tensor) -> None:
        token_id = self.prefill(embeddings)
        for _ in range(ANSWER_TOKENS - 1):
            token_id = self.step(self._model.embed(torch.tensor([token_id])))


def answer(engine: Engine, embeddings: torch.Tensor, num_tokens: int) -> None:
    """Prefill without any reuse, then decode."""
    engine.reset()
    engine.prefill(embeddings)
    for _ in engine.decode_greedy((), num_tokens):
        pass


def compare(name: str, plain: Callable[[], object], engine: Callable[[], object], rounds: int) -> dict[str, object]:
    """Both in turn, A-B-B-A, one warm-up each; milliseconds of the engine and how many times faster it is."""
    plain_ms: list[float] = []
    engine_ms: list[float] = []
    timed_ms(plain), timed_ms(engine)
    for index in range(rounds):
        for run, times in ((plain, plain_ms), (engine, engine_ms))[:: 1 if index % 2 == 0 else -1]:
            times.append(timed_ms(run))
    low, median, high = (percentile(engine_ms, share) for share in (0.2, 0.5, 0.8))
    ratio = percentile(plain_ms, 0.5) / median
    print(
        f"  {name:26} {median:8.1f} ms (p20-p80 {low:.1f}-{high:.1f}, fastest {min(engine_ms):.1f}), "
        f"{ratio:.2f} x the plain path ({percentile(plain_ms, 0.5):.1f} ms)"
    )
    return {
        f"{name}_ms": round(median, 1),
        f"{name}_min_ms": round(min(engine_ms), 1),
        f"{name}_ratio": round(ratio, 2),
    }


def timed_ms(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return (time.perf_counter() - started) * 1e3


def percentile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=10, method="inclusive")[round(share * 10) - 1]


def time_shares(run: Callable[[], object]) -> dict[str, float]:
    """The share of the time spent in products with weights, in attention, and in everything else."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        run()
    spent = {"linear": 0.0, "attention": 0.0, "rest": 0.0}
    for event in profile.key_averages():
        part = "linear" if event.key in LINEAR else "attention" if event.key in ATTENTION else "rest"
        spent[part] += event.self_cpu_time_total
    whole = sum(spent.values())
    return {part: round(value / whole, 3) for part, value in spent.items()}


if __name__ == "__main__":
    sys.exit(main())
