// Everything that sounds, as one thing for main.js: spoken answers, questions by voice, and the hands-free mode.

import { Announcer } from "./announcer.js";
import { Listener } from "./listener.js";
import { Speaker } from "./speaker.js";

const HANDS_FREE = "Hands-free: just speak. Press Escape to silence the answer.";

export class Voice {
  #root;
  #part;
  #speaker;
  #listener;
  #announcer = new Announcer();
  #exchangeOf = new Map(); // talk -> exchange
  #status = null;

  constructor(root, part, connection, chat) {
    this.#root = root;
    this.#part = part;
    this.#speaker = new Speaker(root, part, connection, (isSpeaking) => chat.setSpeaking(isSpeaking));
    this.#listener = new Listener(part, connection, {
      onBegin: () => this.#speaker.silence(),
      onWords: (text, isHandsFree) => this.#words(chat, text, isHandsFree),
      onProblem: () => this.#setHandsFree(false),
      say: (sentence) => this.#speaker.say(sentence),
      isSpeaking: () => this.#speaker.isSpeaking,
    });
    root.addEventListener("ag-asking", () => this.#speaker.silence());
    root.addEventListener("ag-cancelling", () => this.#speaker.silence());
    root.addEventListener("ag-ended", (event) => this.#speaker.ended(event.detail));
    connection.on("speech", (message) => this.#speech(message));
    connection.on("hushed", () => this.#speaker.hushed());
    connection.on("speech_audio", (bytes, id) => this.#speaker.audio(bytes, id, this.#exchangeOf.get(id) ?? null));
    part("handsfree").addEventListener("click", () => this.switchHandsFree(!this.#root.classList.contains("is-handsfree")));
    document.addEventListener("keydown", (event) => this.#onKey(event));
    if (new URLSearchParams(location.search).get("handsfree") === "1") this.switchHandsFree(true);
  }

  /** The connection is there, with the whole conversation told anew. */
  restore() {
    this.#exchangeOf.clear();
    this.#speaker.restore();
    this.#listener.restore();
    this.#announcer.reset();
  }

  lost() {
    if (this.#root.classList.contains("is-handsfree")) this.#speaker.chime(false);
  }

  follow(status) {
    this.#status = status;
    this.#speaker.follow(status);
    this.#listener.follow(status);
    if (this.#root.classList.contains("is-handsfree")) this.#announce(status);
  }

  async switchHandsFree(isOn) {
    if (!isOn) {
      await this.#listener.setHandsFree(false);
      this.#setHandsFree(false);
      return;
    }
    this.#setHandsFree(true);
    this.#speaker.switch(true);
    if (!(await this.#listener.setHandsFree(true))) return;
    this.#speaker.say(HANDS_FREE);
    this.#announcer.reset();
    if (this.#status) this.#announce(this.#status);
  }

  #setHandsFree(isOn) {
    this.#root.classList.toggle("is-handsfree", isOn);
    this.#part("handsfree").setAttribute("aria-pressed", String(isOn));
  }

  #announce(status) {
    const sentence = this.#announcer.news(status);
    if (!sentence) return;
    this.#part("said").textContent = sentence;
    this.#speaker.chime(status.state === "running" && !status.is_stale);
    this.#speaker.announce(sentence);
  }

  #words(chat, text, isHandsFree) {
    this.#speaker.say(isHandsFree ? `You asked: ${text}` : "Press Enter to ask this, or correct it first.");
    chat.propose(text, isHandsFree);
  }

  #speech(message) {
    if (message.state === "begin") this.#exchangeOf.set(message.id, message.exchange);
    else this.#exchangeOf.delete(message.id);
    this.#speaker.speech(message);
  }

  #onKey(event) {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
    const wish = {
      KeyV: () => this.#listener.toggle(),
      KeyS: () => this.#speaker.switch(!this.#speaker.isOn),
      KeyH: () => this.switchHandsFree(!this.#root.classList.contains("is-handsfree")),
      KeyR: () => this.#speaker.replayLast(),
    }[event.code];
    if (!wish) return;
    event.preventDefault();
    wish();
  }
}
