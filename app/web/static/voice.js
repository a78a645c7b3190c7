// Everything that sounds, as one thing for main.js: spoken answers, and questions by voice.

import { Speaker } from "./speaker.js";

export class Voice {
  #speaker;
  #exchangeOf = new Map(); // talk -> exchange

  constructor(root, part, connection, chat) {
    this.#speaker = new Speaker(root, part, connection, (isSpeaking) => chat.setSpeaking(isSpeaking));
    root.addEventListener("ag-asking", () => this.#speaker.silence());
    root.addEventListener("ag-cancelling", () => this.#speaker.silence());
    root.addEventListener("ag-ended", (event) => this.#speaker.ended(event.detail));
    connection.on("speech", (message) => this.#speech(message));
    connection.on("hushed", () => this.#speaker.hushed());
    connection.on("speech_audio", (bytes, id) => this.#speaker.audio(bytes, id, this.#exchangeOf.get(id) ?? null));
  }

  /** The connection is there, with the whole conversation told anew. */
  restore() {
    this.#exchangeOf.clear();
    this.#speaker.restore();
  }

  follow(status) {
    this.#speaker.follow(status);
  }

  #speech(message) {
    if (message.state === "begin") this.#exchangeOf.set(message.id, message.exchange);
    else this.#exchangeOf.delete(message.id);
    this.#speaker.speech(message);
  }
}
