// Questions by voice: hold or press the button, or let the page notice that somebody speaks (hands-free).

import { PACKETS } from "./connection.js";
import { Microphone } from "./microphone.js";
import { VoiceActivity } from "./voice_activity.js";

const HOLD_MS = 350; // pressed for longer, letting go ends the question
const PACKET_FRAMES = 5; // a tenth of a second
const PRE_ROLL_FRAMES = 20; // what was said before it was noticed that somebody speaks
const FETCHING = "Getting speech recognition ready; the first time it is fetched (71 MB). Your question is kept.";

export class Listener {
  #part;
  #connection;
  #hooks;
  #microphone = new Microphone((samples, level) => this.#frame(samples, level), (sentence) => this.#stop(sentence));
  #activity = new VoiceActivity();
  #isHandsFree = false;
  #id = 0;
  #isRecording = false;
  #isWaiting = false; // for words
  #isWanted = false; // while the browser asks for permission
  #pressedAt = 0;
  #frames = [];
  #ring = [];

  /** hooks: { onBegin(), onWords(text, isHandsFree), onProblem(), say(sentence), isSpeaking() } */
  constructor(part, connection, hooks) {
    this.#part = part;
    this.#connection = connection;
    this.#hooks = hooks;
    const button = part("talk");
    button.addEventListener("pointerdown", (event) => this.#press(event));
    button.addEventListener("pointerup", () => this.#release());
    button.addEventListener("pointercancel", () => this.#release());
    button.addEventListener("keydown", (event) => {
      if (event.key === " " || event.key === "Enter") this.#press(event);
    });
    button.addEventListener("keyup", (event) => {
      if (event.key === " ") this.#release();
    });
    // A screen reader presses without a pointer and without a key.
    button.addEventListener("click", (event) => event.detail === 0 && event.pointerType === "" && this.toggle());
    connection.on("heard", (message) => this.#heard(message));
  }

  get isHandsFree() {
    return this.#isHandsFree;
  }

  /** Begins a question, or ends it. */
  async toggle() {
    if (this.#isRecording || this.#isWanted) this.#end();
    else await this.#begin();
  }

  async setHandsFree(isOn) {
    this.#isHandsFree = isOn;
    this.#activity.reset();
    if (!isOn) {
      this.#stop("");
      return true;
    }
    return this.#open();
  }

  /** The connection was lost, and with it what was being said. */
  restore() {
    if (this.#isRecording) this.#finish();
    this.#isWaiting = false;
    if (this.#microphone.isOpen) this.#connection.send({ type: "listen", state: "prepare" });
    this.#show();
  }

  follow(status) {
    if (this.#isWaiting && status.listening === "opening") this.#hooks.say(FETCHING);
  }

  #press(event) {
    event.preventDefault();
    if (event.repeat) return;
    this.#part("talk").focus();
    this.#pressedAt = performance.now();
    const wasIdle = !this.#isRecording && !this.#isWanted;
    this.toggle();
    if (!wasIdle) this.#pressedAt = 0;
  }

  #release() {
    const wasHeld = this.#pressedAt && performance.now() - this.#pressedAt > HOLD_MS;
    this.#pressedAt = 0;
    if (wasHeld && (this.#isRecording || this.#isWanted)) this.#end();
  }

  async #begin() {
    this.#hooks.onBegin();
    this.#isWanted = true;
    this.#show();
    const isOpen = await this.#open();
    if (!isOpen || !this.#isWanted) {
      this.#isWanted = false;
      if (!this.#isHandsFree) this.#microphone.close();
      this.#show();
      return;
    }
    this.#isWanted = false;
    this.#record([]);
  }

  async #open() {
    try {
      await this.#microphone.open();
    } catch (error) {
      this.#stop(error.message);
      return false;
    }
    this.#connection.send({ type: "listen", state: "prepare" });
    this.#show();
    return true;
  }

  #record(before) {
    this.#id += 1;
    const message = { type: "listen", state: "begin", id: this.#id, rate: this.#microphone.rate };
    if (!this.#connection.send(message)) {
      this.#stop("There is no connection to Afterglow at this moment. Try again soon.");
      return;
    }
    this.#isRecording = true;
    this.#frames = [...before];
    this.#hooks.say("Listening…");
    this.#show();
  }

  #frame(samples, level) {
    if (this.#isRecording) {
      this.#frames.push(samples);
      if (this.#frames.length >= PACKET_FRAMES) this.#send();
    }
    if (!this.#isHandsFree) return;
    this.#ring = [...this.#ring, samples].slice(-PRE_ROLL_FRAMES);
    const change = this.#activity.frame(level, this.#hooks.isSpeaking());
    if (change === "begin" && !this.#isRecording) {
      this.#hooks.onBegin();
      this.#record(this.#ring);
    } else if (change === "end" && this.#isRecording) {
      this.#end();
    }
  }

  #send() {
    if (this.#frames.length) this.#connection.sendPacket(PACKETS.voice, this.#id, new Blob(this.#frames));
    this.#frames = [];
  }

  #end() {
    this.#isWanted = false;
    if (!this.#isRecording) return;
    this.#send();
    this.#connection.send({ type: "listen", state: "end", id: this.#id });
    this.#isWaiting = true;
    this.#finish();
    this.#hooks.say("Writing down what you said…");
  }

  #finish() {
    this.#isRecording = false;
    this.#frames = [];
    if (!this.#isHandsFree) this.#microphone.close();
    this.#show();
  }

  #stop(sentence) {
    if (this.#isRecording) this.#connection.send({ type: "listen", state: "drop" });
    this.#isRecording = this.#isWanted = this.#isHandsFree = false;
    this.#microphone.close();
    this.#hooks.say(sentence);
    this.#show();
    if (sentence) this.#hooks.onProblem();
  }

  #heard(message) {
    if (message.id !== this.#id) return;
    if (message.state === "full") {
      this.#isWaiting = true;
      this.#activity.reset();
      this.#finish();
      this.#hooks.say(message.message);
      return;
    }
    this.#isWaiting = false;
    if (message.state === "words") this.#hooks.onWords(message.text, this.#isHandsFree);
    else this.#hooks.say(message.message);
    this.#show();
  }

  #show() {
    const button = this.#part("talk");
    const isOn = this.#isRecording || this.#isWanted;
    button.setAttribute("aria-pressed", String(isOn));
    button.classList.toggle("is-armed", this.#isHandsFree && this.#microphone.isOpen);
    button.setAttribute("aria-label", isOn ? "Stop listening" : "Ask by voice");
    button.title = isOn ? "Press to end the question" : "Hold while you speak, or press once and again at the end";
  }
}
