"""How well spoken questions are written down, by word error rate, and what other sounds get.

    python -m bench.voice_questions [--num 50] [--voices hibari,espeak]

The questions of voice_questions.txt are spoken by hibari's voice (easy: clean, close) and by espeak-ng (harder),
both also with pink noise 15 dB below the speech. Then come what must be refused: sentences of other languages by
espeak-ng, noise, silence. Needs espeak-ng. Prints one JSON object a condition; nothing recognised is told as it is.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from app.hearing import RATE_HZ, HearingError, Recogniser, read_utterance
from app.loading import load_recogniser
from app.speech import SpeakOptions, open_voice, pcm16
from bench.speech_scoring import word_errors

QUESTIONS = Path(__file__).with_name("voice_questions.txt")
NOISE_DB = -15.0
OTHERS = {
    "de": "Wann hast du zuletzt die Katze gesehen, und wie viele Leute waren dabei?",
    "fr": "Quand est-ce que tu as vu le chat pour la dernière fois dans le jardin ?",
    "es": "¿Cuándo fue la última vez que viste al perro en la cocina de la casa?",
    "it": "Quante persone ci sono adesso davanti alla porta della casa?",
    "pl": "Kiedy ostatnio widziałeś kota i ile osób było w pokoju?",
    "ru": "Когда ты в последний раз видел кошку и сколько там было людей?",
    "cmn": "你最后一次看到那只猫是什么时候，房间里有多少人？",
    "hi": "तुमने आखिरी बार बिल्ली को कब देखा था और वहाँ कितने लोग थे?",
}
Speak = Callable[[str], tuple[np.ndarray, int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=50)
    parser.add_argument("--voices", default="hibari,espeak")
    words = parser.parse_args()
    questions = QUESTIONS.read_text(encoding="utf-8").splitlines()[: words.num]
    recogniser = load_recogniser()
    for voice in words.voices.split(","):
        speak = hibari() if voice == "hibari" else espeak
        for noise_db in (None, NOISE_DB):
            print(json.dumps(scored(recogniser, questions, voice, speak, noise_db)), flush=True)
    for name, audio, rate in refusable():
        print(json.dumps({"sound": name, **told(recogniser, audio, rate)}, ensure_ascii=False), flush=True)


def scored(
    recogniser: Recogniser, questions: list[str], voice: str, speak: Speak, noise_db: float | None
) -> dict[str, object]:
    """Word error rate over all questions; a refused one counts as all of its words."""
    errors = num_words = refused = 0
    confidences, took_s, wrong = [], [], []
    noise = np.random.default_rng(0)
    for question in questions:
        audio, rate = speak(question)
        if noise_db is not None:
            audio = audio + pink(len(audio), noise) * np.sqrt((audio**2).mean()) * 10 ** (noise_db / 20)
        started_s = time.perf_counter()
        result = told(recogniser, audio, rate)
        took_s.append(time.perf_counter() - started_s)
        text = str(result.get("text", ""))
        refused += "refused" in result
        confidences.append(float(str(result.get("confidence", "nan"))))
        now_wrong, count = word_errors(question, text)
        errors, num_words = errors + now_wrong, num_words + count
        if now_wrong:
            wrong.append([question, text])
    return {
        "voice": voice,
        "noise_db": noise_db,
        "questions": len(questions),
        "wer_percent": round(100 * errors / num_words, 2),
        "refused": refused,
        "exact": len(questions) - len(wrong),
        "confidence_p5": round(float(np.nanpercentile(confidences, 5)), 3),
        "took_ms_p50": round(1e3 * float(np.percentile(took_s, 50))),
        "took_ms_p95": round(1e3 * float(np.percentile(took_s, 95))),
        "wrong": wrong,
    }


def told(recogniser: Recogniser, audio: np.ndarray, rate: int) -> dict[str, object]:
    """As the page would be told: through 16-bit PCM at the microphone's rate."""
    try:
        heard = recogniser.recognise(read_utterance(pcm16(audio), rate))
    except HearingError as error:
        return {"refused": str(error)}
    return {"text": heard.text, "confidence": round(heard.confidence, 3)}


def refusable() -> list[tuple[str, np.ndarray, int]]:
    """Sounds that are no English question: (what it is, audio, rate)."""
    noise = np.random.default_rng(1)
    seconds = np.arange(3 * RATE_HZ) / RATE_HZ
    sounds = [
        ("silence", np.zeros(3 * RATE_HZ, np.float32), RATE_HZ),
        ("a faint hiss", noise.standard_normal(3 * RATE_HZ).astype(np.float32) * 1e-3, RATE_HZ),
        ("loud noise", pink(3 * RATE_HZ, noise) * 0.1, RATE_HZ),
        ("a tone", (0.2 * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32), RATE_HZ),
    ]
    return sounds + [(f"language {name}", *espeak(text, name)) for name, text in OTHERS.items()]


def pink(num: int, noise: np.random.Generator) -> np.ndarray:
    """Noise whose power falls with frequency, as in rooms; root mean square 1."""
    spectrum = np.fft.rfft(noise.standard_normal(num))
    shaped = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1.0), num)
    return (shaped / shaped.std()).astype(np.float32)


def hibari() -> Speak:
    voice = open_voice("hibari")
    quiet = np.zeros(voice.sample_rate // 4, np.float32)

    def speak(text: str) -> tuple[np.ndarray, int]:
        return np.concatenate([quiet, *voice.synthesise(text, SpeakOptions()), quiet]), voice.sample_rate

    return speak


def espeak(text: str, language: str = "en-us") -> tuple[np.ndarray, int]:
    import av

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        subprocess.run(["espeak-ng", "-v", language, "-w", str(path), text], check=True, capture_output=True)
        with av.open(str(path)) as container:
            rate = int(container.streams.audio[0].rate)
            frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return np.concatenate(frames).astype(np.float32) / 32768.0, rate


if __name__ == "__main__":
    main()
