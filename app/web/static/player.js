// Plays spoken answers without gaps, and falls silent at once. Each block is scheduled right after the one before, in a
// context of the voice's own rate, so that nothing is resampled at the seams. Buffers rather than an AudioWorklet: that
// exists on secure pages only, and other machines may open this page over plain HTTP.

const LEAD_S = 0.04; // before the first block, so that the second is there in time
const FADE_S = 0.01;

export class Player {
  #context = null;
  #gain = null;
  #talks = []; // in the order in which they sound
  #nextS = 0;
  #isBlocked = false;
  #onPlayed;
  #onBlocked;

  /** onPlayed(id, positionS, isOver): as blocks end. onBlocked(isBlocked): the browser wants a click or a key first. */
  constructor(onPlayed, onBlocked) {
    this.#onPlayed = onPlayed;
    this.#onBlocked = onBlocked;
  }

  get isPlaying() {
    return this.#talks.some((talk) => !talk.isOver);
  }

  /** To be called in a click or a key press: browsers let no page sound before. False: this browser cannot play. */
  unlock(rate = 24000) {
    if (!this.#context) {
      if (!window.AudioContext) return false;
      this.#context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
      this.#gain = this.#context.createGain();
      this.#gain.connect(this.#context.destination);
      this.#context.addEventListener("statechange", () => this.#tellBlocked());
    }
    if (this.#context.state !== "running") this.#context.resume().catch(() => {});
    this.#tellBlocked();
    return true;
  }

  /** Samples [-32768, 32767] of talk `id`, to be played after all that came before. */
  play(id, samples) {
    if (!this.unlock() || !samples.length) return;
    const talk = this.#talkOf(id);
    const buffer = this.#context.createBuffer(1, samples.length, this.#context.sampleRate);
    const channel = buffer.getChannelData(0);
    for (let at = 0; at < samples.length; at += 1) channel[at] = samples[at] / 32768;
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#gain);
    const startS = Math.max(this.#nextS, this.#context.currentTime + (this.#nextS ? 0 : LEAD_S));
    source.start(startS);
    this.#nextS = startS + buffer.duration;
    const part = { source, startS, durationS: buffer.duration, isOver: false };
    talk.parts.push(part);
    source.onended = () => {
      part.isOver = true;
      this.#tell(talk);
    };
  }

  /** Nothing more will come of talk `id`. */
  end(id) {
    const talk = this.#talks.find((one) => one.id === id);
    if (!talk) return;
    talk.isWhole = true;
    if (talk.parts.every((part) => part.isOver)) this.#tell(talk);
  }

  /** Silence, now. Returns where it fell: { id, positionS } of the talk that sounded, or null. */
  flush() {
    const sounding = this.#talks.find((talk) => !talk.isOver);
    const cut = sounding ? { id: sounding.id, positionS: this.#position(sounding) } : null;
    if (this.#context && sounding) {
      const now = this.#context.currentTime;
      const gain = this.#gain;
      gain.gain.setTargetAtTime(0, now, FADE_S / 3);
      for (const talk of this.#talks) {
        for (const part of talk.parts) {
          part.source.onended = null;
          if (!part.isOver) part.source.stop(now + FADE_S);
        }
      }
      this.#gain = this.#context.createGain();
      this.#gain.connect(this.#context.destination);
    }
    this.#talks = [];
    this.#nextS = 0;
    return cut;
  }

  /** Two short notes, so that who does not look knows what happened: up for good news, down for bad. */
  chime(isGood) {
    if (!this.unlock() || this.#context.state !== "running") return;
    const now = this.#context.currentTime;
    const notes = isGood ? [523, 784] : [392, 262];
    notes.forEach((hertz, index) => {
      const tone = this.#context.createOscillator();
      const level = this.#context.createGain();
      const startS = now + index * 0.11;
      tone.frequency.value = hertz;
      level.gain.setValueAtTime(0, startS);
      level.gain.linearRampToValueAtTime(0.12, startS + 0.015);
      level.gain.linearRampToValueAtTime(0, startS + 0.1);
      tone.connect(level).connect(this.#context.destination);
      tone.start(startS);
      tone.stop(startS + 0.12);
    });
  }

  #talkOf(id) {
    const known = this.#talks.find((one) => one.id === id);
    if (known) return known;
    const talk = { id, parts: [], isWhole: false, isOver: false };
    this.#talks.push(talk);
    return talk;
  }

  #position(talk) {
    const now = this.#context.currentTime;
    const heard = (part) => Math.min(Math.max(now - part.startS, 0), part.durationS);
    return talk.parts.reduce((sum, part) => sum + (part.isOver ? part.durationS : heard(part)), 0);
  }

  #tell(talk) {
    const isOver = talk.isWhole && talk.parts.every((part) => part.isOver);
    talk.isOver = isOver;
    if (isOver) this.#talks = this.#talks.filter((one) => one !== talk);
    if (!this.#talks.length) this.#nextS = 0;
    this.#onPlayed(talk.id, this.#position(talk), isOver);
  }

  #tellBlocked() {
    const isBlocked = this.#context.state === "suspended";
    if (isBlocked !== this.#isBlocked) this.#onBlocked(isBlocked);
    this.#isBlocked = isBlocked;
  }
}
