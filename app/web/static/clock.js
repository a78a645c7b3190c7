// Times as people read them: of a live source by the clock on the wall, of a file from its start.

import { clockTime } from "./words.js";

const DAY_S = 86_400;

export class Clock {
  #offsetS = null;

  /** Epoch seconds less stream time; null for a file. */
  get offsetS() {
    return this.#offsetS;
  }

  follow(status) {
    this.#offsetS = status.wall_offset_s ?? null;
  }

  /** "0:21", or "14:02:11"; on another day with the day before it. */
  words(timeS) {
    if (this.#offsetS === null) return clockTime(timeS);
    const moment = this.#moment(timeS);
    return isToday(moment) ? clockOf(moment) : `${dayOf(moment)} ${clockOf(moment)}`;
  }

  span(startS, endS) {
    const [start, end] = [this.words(startS), this.words(endS)];
    return start === end ? start : `${start} – ${end}`;
  }

  /** What is asked about a moment, in words that the language model was taught. */
  question(startS, endS) {
    const [start, end] = [this.#spoken(startS), this.#spoken(endS)];
    const day = this.#offsetS === null || isToday(this.#moment(startS)) ? "" : ` on ${isoDay(this.#moment(startS))}`;
    if (start === end) return `What did you see${day} at ${start}?`;
    return `What happened${day} between ${start} and ${end}?`;
  }

  /** Seconds to add to a stream time so that whole hours, minutes and days of the clock are multiples. */
  get alignS() {
    if (this.#offsetS === null) return 0;
    return (this.#offsetS - new Date(this.#offsetS * 1e3).getTimezoneOffset() * 60) % DAY_S;
  }

  #spoken(timeS) {
    return this.#offsetS === null ? clockTime(timeS) : clockOf(this.#moment(timeS));
  }

  #moment(timeS) {
    return new Date((timeS + this.#offsetS) * 1e3);
  }
}

function clockOf(moment) {
  return [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map((one) => String(one).padStart(2, "0")).join(":");
}

function dayOf(moment) {
  return moment.toLocaleDateString("en", { day: "numeric", month: "short" });
}

function isoDay(moment) {
  return [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()].map((one) => String(one).padStart(2, "0")).join("-");
}

function isToday(moment) {
  return moment.toDateString() === new Date().toDateString();
}
