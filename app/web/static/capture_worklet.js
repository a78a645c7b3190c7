// In the browser's audio thread: the microphone's samples as 16-bit frames of a fiftieth of a second, with their level.

const FRAMES_PER_S = 50;

class Capture extends AudioWorkletProcessor {
  #size = Math.round(sampleRate / FRAMES_PER_S);
  #frame = new Int16Array(this.#size);
  #filled = 0;
  #energy = 0;

  process([input]) {
    for (const value of input[0] ?? []) {
      const clipped = Math.max(-1, Math.min(1, value));
      this.#frame[this.#filled] = Math.round(clipped * 32767);
      this.#energy += clipped * clipped;
      this.#filled += 1;
      if (this.#filled === this.#size) this.#post();
    }
    return true;
  }

  #post() {
    this.port.postMessage({ samples: this.#frame, level: Math.sqrt(this.#energy / this.#size) }, [this.#frame.buffer]);
    this.#frame = new Int16Array(this.#size);
    this.#filled = 0;
    this.#energy = 0;
  }
}

registerProcessor("afterglow-capture", Capture);
