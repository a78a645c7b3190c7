// When somebody begins to speak and when they have ended, by the level of the microphone against the room's own.
// The server's detector has the last word on whether it was speech.

const BEGIN_FRAMES = 6; // of the last eight: an eighth of a second, so that barging in silences at once
const WINDOW_FRAMES = 8;
const END_FRAMES = 45; // 0.9 s of quiet
const MIN_LEVEL = 0.008;
const OVER_FLOOR = 3.5;
const OWN_VOICE = 2.5; // what echo cancellation leaves of our own voice must not count as somebody's

export class VoiceActivity {
  #floor = 0.003;
  #recent = [];
  #numQuiet = 0;
  #isActive = false;

  reset() {
    this.#recent = [];
    this.#numQuiet = 0;
    this.#isActive = false;
  }

  /** "begin", "end" or null. isSpeaking: our own voice is sounding. */
  frame(level, isSpeaking) {
    const threshold = Math.max(this.#floor * OVER_FLOOR, MIN_LEVEL) * (isSpeaking ? OWN_VOICE : 1);
    if (this.#isActive) return this.#waitForEnd(level > threshold * 0.6);
    this.#floor = level < this.#floor ? 0.8 * this.#floor + 0.2 * level : this.#floor * 1.004;
    this.#floor = Math.min(Math.max(this.#floor, 0.0005), 0.05);
    this.#recent = [...this.#recent, level > threshold].slice(-WINDOW_FRAMES);
    if (this.#recent.filter(Boolean).length < BEGIN_FRAMES) return null;
    this.#isActive = true;
    this.#numQuiet = 0;
    return "begin";
  }

  #waitForEnd(isLoud) {
    this.#numQuiet = isLoud ? 0 : this.#numQuiet + 1;
    if (this.#numQuiet < END_FRAMES) return null;
    this.reset();
    return "end";
  }
}
