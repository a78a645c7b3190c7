// The sentence, the badge on the picture, and the line of numbers.

import { bytes, count, milliseconds, seconds } from "./words.js";

const RATE_OVER_S = 5;
const CONNECTIONS = {
  connecting: "Connecting", stalled: "Stalled", backing_off: "Trying again", refused: "Refused", ended: "Ended",
};
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
    const isStale = Boolean(status.is_stale) || ["stalled", "backing_off", "refused"].includes(status.connection);
    this.#root.dataset.state = isStale ? "stale" : status.state;
    this.#say(this.#problem || status.sentence || (isStale ? staleSentence(status) : ""));
    this.#part("badge").textContent = badge(status, isStale);
    this.#part("modelname").textContent = status.models_loading ? "Loading the models…" : (status.model ?? "Model");
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
  #seen = []; // [seconds, frames seen]
  #seenOf = null;

  #say(sentence) {
    const line = this.#part("sentence");
    if (line.textContent !== sentence) line.textContent = sentence;
    line.classList.toggle("is-problem", Boolean(this.#problem) || ["failed", "source_lost", "stale", "offline"].includes(this.#root.dataset.state));
  }

  #facts(status) {
    this.#fact("fps", this.#rate(status));
    this.#fact("seen", count(status.seen));
    this.#fact("encoded", count(status.encoded));
    this.#fact("dropped", count(status.dropped));
    this.#fact("age", status.state === "running" && status.age_s !== null ? `${seconds(status.age_s)} ago` : "–");
    this.#fact("memory", status.memory_bytes ? bytes(status.memory_bytes) : "–");
    this.#fact("ttft", status.ttft_ms === null ? "–" : milliseconds(status.ttft_ms));
    this.#fact("speed", status.tokens_per_s === null ? "–" : `${status.tokens_per_s.toFixed(status.tokens_per_s < 10 ? 1 : 0)} tokens/s`);
    this.#fact("host", status.host_bytes === null ? "–" : bytes(status.host_bytes));
    this.#fact("device", status.device_bytes === null ? "" : bytes(status.device_bytes));
    this.#root.querySelector('[data-fact="device"]').parentElement.hidden = status.device_bytes === null;
  }

  /** Frames a second that the source gives, over the last seconds. */
  #rate(status) {
    const now = performance.now() / 1e3;
    if (status.watch !== this.#seenOf || status.seen < (this.#seen.at(-1)?.[1] ?? 0)) this.#seen = [];
    this.#seenOf = status.watch;
    this.#seen.push([now, status.seen]);
    while (this.#seen.length > 2 && now - this.#seen[0][0] > RATE_OVER_S) this.#seen.shift();
    const [[startS, first], [endS, last]] = [this.#seen[0], this.#seen.at(-1)];
    if (status.state !== "running" || endS - startS < 1) return "–";
    return `${((last - first) / (endS - startS)).toFixed(1)} fps`;
  }

  #fact(name, text) {
    this.#root.querySelector(`[data-fact="${name}"]`).textContent = text;
  }
}

function badge(status, isStale) {
  if (status.state === "running" && CONNECTIONS[status.connection]) return CONNECTIONS[status.connection];
  if (isStale) return "Stalled";
  if (status.state === "running") return status.is_live ? "Live" : "Playing";
  return BADGES[status.state] ?? "";
}

function staleSentence(status) {
  return `No picture has come for ${seconds(status.age_s)}.`;
}
