// The sentence, the badge on the picture, and the line of numbers.

import { bytes, count, milliseconds, seconds } from "./words.js";

const BADGES = { ended: "Ended", source_lost: "Lost", failed: "Failed", starting: "Opening", new: "Opening" };

export class Status {
  #root;
  #part;
  #problem = "";
  #problemOf = null;

  constructor(root, part) {
    this.#root = root;
    this.#part = part;
  }

  show(status) {
    if (this.#problem && status.state === "starting" && status.watch !== this.#problemOf) this.#problem = "";
    this.#lastWatch = status.watch;
    const isStale = Boolean(status.is_stale);
    this.#root.dataset.state = isStale ? "stale" : status.state;
    this.#say(this.#problem || status.sentence || (isStale ? staleSentence(status) : ""));
    this.#part("badge").textContent = badge(status, isStale);
    this.#part("model").textContent = status.models_loading ? "Loading the models…" : (status.model ?? "");
    this.#part("facts").hidden = status.seen === undefined;
    if (status.seen !== undefined) this.#facts(status);
  }

  /** A sentence of the page itself; it stays until something else is watched. Empty: no more. */
  problem(sentence) {
    this.#problem = sentence;
    this.#problemOf = this.#lastWatch;
    this.#say(sentence);
  }

  lost() {
    this.#root.dataset.state = "offline";
    this.#part("badge").textContent = "Offline";
    this.#say("The connection to Afterglow was lost. Trying again. Is it still running?");
  }

  #lastWatch = null;

  #say(sentence) {
    const line = this.#part("sentence");
    if (line.textContent !== sentence) line.textContent = sentence;
    line.classList.toggle("is-problem", Boolean(this.#problem) || ["failed", "source_lost", "stale", "offline"].includes(this.#root.dataset.state));
  }

  #facts(status) {
    this.#fact("seen", count(status.seen));
    this.#fact("encoded", count(status.encoded));
    this.#fact("dropped", count(status.dropped));
    this.#fact("age", status.state === "running" && status.age_s !== null ? `${seconds(status.age_s)} ago` : "–");
    this.#fact("memory", status.memory_bytes ? bytes(status.memory_bytes) : "–");
    this.#fact("ttft", status.ttft_ms === null ? "–" : milliseconds(status.ttft_ms));
  }

  #fact(name, text) {
    this.#root.querySelector(`[data-fact="${name}"]`).textContent = text;
  }
}

function badge(status, isStale) {
  if (isStale) return "Stalled";
  if (status.state === "running") return status.is_live ? "Live" : "Playing";
  return BADGES[status.state] ?? "";
}

function staleSentence(status) {
  return `No picture has come for ${seconds(status.age_s)}.`;
}
