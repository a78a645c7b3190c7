// For those who do not look: tells by voice what the status line shows, each change once.

import { clockTime } from "./words.js";

export class Announcer {
  #last = null;
  #lostAt = null;

  reset() {
    this.#last = null;
  }

  /** The sentence that is news, or null. */
  news(status) {
    const kind = kindOf(status);
    const key = `${kind} ${status.watch}`;
    if (key === this.#last) return null;
    const before = this.#last;
    this.#last = key;
    if (kind === "lost") this.#lostAt = new Date(Date.now() - 1000 * (status.age_s ?? 0));
    return sentenceOf(kind, status, before, this.#lostAt);
  }
}

function kindOf(status) {
  if (status.is_stale || status.state === "source_lost") return "lost";
  return status.state;
}

function sentenceOf(kind, status, before, lostAt) {
  if (kind === "running") return before?.startsWith("lost") ? "The picture is back." : `Watching ${status.source}. Ask at any time.`;
  if (kind === "lost") return `No picture since ${clockOf(lostAt)}. I go on trying; you can ask about what was seen.`;
  if (kind === "ended") return `The stream has ended at ${clockTime(status.time_s ?? 0)}. You can still ask about it.`;
  if (kind === "failed") return status.sentence ?? "Something failed.";
  if (kind === "idle") return "Nothing is being watched. Choose what to watch, then press Start.";
  return null;
}

function clockOf(time) {
  return time.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}
