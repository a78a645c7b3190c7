// What the memory holds, tier by tier, and a budget for what is started next with its preview.

import { bytes, count, make, seconds } from "./words.js";

export class Memory {
  #part;
  #tools;
  #budget = null;
  #rows = new Map(); // part of the memory -> its elements

  /** tools: connection, clock. */
  constructor(part, tools) {
    this.#part = part;
    this.#tools = tools;
    const dialog = part("memorydialog");
    part("openmemory").addEventListener("click", () => this.#open());
    dialog.addEventListener("close", () => tools.connection.send({ type: "memory", is_open: false }));
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
    part("budget").addEventListener("input", () => this.#preview());
    part("usebudget").addEventListener("click", () => this.#use(this.#budget.steps[this.#place()].max_bytes));
    part("defaultbudget").addEventListener("click", () => this.#use(null));
  }

  tell(message) {
    this.#part("memorysum").textContent =
      `${bytes(message.bytes)} of at most ${bytes(message.max_bytes)}, for ${count(message.frames_seen)} frames` +
      (message.frames_forgotten ? `; ${count(message.frames_forgotten)} were forgotten on request.` : ".");
    const names = new Set(message.parts.map((one) => one.name));
    for (const [name, row] of this.#rows) {
      if (names.has(name)) continue;
      row.item.remove();
      this.#rows.delete(name);
    }
    for (const one of message.parts) this.#tellPart(one);
  }

  offer(message) {
    this.#budget = message;
    const slider = this.#part("budget");
    slider.max = message.steps.length - 1;
    slider.value = message.nearest;
    this.#preview();
  }

  #open() {
    this.#part("memorysum").textContent = "Nothing is remembered yet.";
    for (const row of this.#rows.values()) row.item.remove();
    this.#rows.clear();
    this.#tools.connection.send({ type: "memory", is_open: true });
    this.#part("memorydialog").showModal();
  }

  #tellPart(one) {
    let row = this.#rows.get(one.name);
    if (!row) {
      row = makeRow(one.title);
      this.#rows.set(one.name, row);
      this.#part("tiers").append(row.item);
    }
    const facts = [one.count];
    if (one.bytes !== undefined) facts.push(bytes(one.bytes));
    if (one.start_s !== undefined && one.start_s !== null) facts.push(this.#tools.clock.span(one.start_s, one.end_s));
    row.facts.textContent = facts.join(" · ");
    row.fate.textContent = one.fate;
    row.bar.hidden = one.fill === undefined;
    row.fill.style.width = `${Math.min((one.fill ?? 0) * 100, 100)}%`;
  }

  #place() {
    return Number(this.#part("budget").value);
  }

  #preview() {
    const step = this.#budget.steps[this.#place()];
    const facts = [
      ["Memory", `at most ${bytes(step.max_bytes)}`],
      ["Event slots", `${count(step.num_slots)}, of which pins may hold ${count(step.num_pinned_slots)}`],
      ...(step.num_traces ? [["Traces", count(step.num_traces)]] : []),
      ["Whole frames", `${step.num_frames}: the last ${seconds(step.frames_s)}`],
      ["Small pictures", `${count(step.num_pictures)} and at most ${bytes(step.pictures_max_bytes)}, whatever the budget`],
    ];
    this.#part("previewfacts").replaceChildren(
      ...facts.map(([name, value]) => {
        const row = document.createElement("div");
        row.append(make("dt", "", name), make("dd", "", value));
        return row;
      }),
    );
    this.#part("coarseness").replaceChildren(
      ...step.coarseness.map((one) => {
        const row = document.createElement("tr");
        const head = make("th", "", `${one.hours} ${one.hours === 1 ? "hour" : "hours"}`);
        head.scope = "row";
        const cells = [one.slot_s, one.trace_s, one.picture_s].map((value) => make("td", "", value === null ? "–" : lengthWords(value)));
        row.append(head, ...cells);
        return row;
      }),
    );
    this.#part("budget").setAttribute("aria-valuetext", `${bytes(step.max_bytes)}, ${step.num_slots} event slots`);
    this.#tellChoice();
  }

  #tellChoice() {
    const { chosen } = this.#budget;
    const isChosen = chosen === this.#place();
    this.#part("usebudget").disabled = isChosen;
    this.#part("usebudget").textContent = isChosen ? "Chosen" : "Use from the next start on";
    this.#part("defaultbudget").hidden = chosen === null;
    this.#part("budgetnote").textContent = chosen === null
      ? "The default is in use. A budget holds for what you start next; what is watched now keeps its size."
      : `What you start next gets ${bytes(this.#budget.steps[chosen].max_bytes)}; what is watched now keeps its size.`;
  }

  #use(numBytes) {
    this.#tools.connection.send({ type: "budget", bytes: numBytes });
  }
}

function makeRow(title) {
  const item = make("li", "ag-tier");
  const facts = make("span", "ag-tier-facts");
  const head = make("div", "ag-tier-head");
  head.append(make("h3", "", title), facts);
  const bar = make("div", "ag-bar");
  const fill = make("span");
  bar.append(fill);
  const fate = make("p", "ag-tier-fate");
  item.append(head, bar, fate);
  return { item, facts, bar, fill, fate };
}

/** 75 -> "1 min 15 s" */
function lengthWords(lengthS) {
  const whole = Math.round(lengthS);
  if (lengthS < 10) return seconds(lengthS);
  if (whole < 60) return `${whole} s`;
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  return rest && minutes < 3 ? `${minutes} min ${rest} s` : `${Math.round(whole / 60)} min`;
}
