// Questions and answers. Text is only ever set as text: nothing that a model or a user writes becomes markup.

import { make, milliseconds } from "./words.js";

export class Chat {
  #root;
  #part;
  #connection;
  #isSpeaking = false;
  #exchanges = new Map();
  #key = "";
  #watch = null;
  #hasFollowed = false;
  #field;
  #tools;

  /** tools: clock; open(moment) to look at one closely; mark(span) to show on the timeline where it lies. */
  constructor(root, part, connection, tools) {
    this.#root = root;
    this.#part = part;
    this.#connection = connection;
    this.#tools = tools;
    this.#field = part("ask").elements.question;
    part("ask").addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask(this.#field.value);
    });
    this.#field.addEventListener("keydown", (event) => this.#onKey(event));
    this.#field.addEventListener("input", () => this.#grow());
    part("cancel").addEventListener("click", () => this.#cancel());
    part("ideas").addEventListener("click", (event) => {
      if (event.target instanceof HTMLButtonElement) this.ask(event.target.textContent);
    });
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !part("cancel").hidden && !root.querySelector("dialog[open]")) this.#cancel();
    });
  }

  /** The server tells the whole conversation, to a page that was loaded again too. */
  restore(hello) {
    this.#key = hello.key;
    for (const exchange of this.#exchanges.values()) exchange.item.remove();
    this.#exchanges.clear();
    for (const mark of this.#part("log").querySelectorAll(".ag-turn")) mark.remove();
    for (const opening of hello.history) this.#add(opening);
    this.#showCancel();
  }

  /** Where another source begins, a line says so. */
  follow(status) {
    if (status.state !== "running" || status.watch === this.#watch) return;
    const isChange = this.#watch !== null && this.#exchanges.size > 0;
    this.#watch = status.watch;
    this.#hasFollowed = true;
    if (!isChange) return;
    const turn = make("p", "ag-turn", `Now watching ${status.source}`);
    this.#keepAtEnd(() => this.#part("log").append(turn));
  }

  refuse(sentence) {
    this.#keepAtEnd(() => {
      this.#part("refusal").textContent = sentence;
    });
    this.#field.focus();
  }

  asked(message) {
    this.#part("refusal").textContent = "";
    if (this.#field.value.trim()) this.#field.value = "";
    this.#grow();
    this.#keepAtEnd(() => this.#add(message), true);
    this.#showCancel();
  }

  piece(message) {
    const exchange = this.#exchanges.get(message.id);
    if (!exchange) return;
    exchange.item.classList.remove("is-waiting");
    this.#keepAtEnd(() => exchange.text.append(message.text));
  }

  answer(message) {
    const exchange = this.#exchanges.get(message.id);
    if (!exchange) return;
    if (!this.#hasFollowed) this.#watch = message.watch; // it came before any word of how the source stands
    this.#keepAtEnd(() => {
      exchange.text.remove();
      exchange.body.append(...message.sentences.map(([text, places]) => this.#sentence(text, places.map((place) => message.evidence[place]))));
      if (message.evidence.length) exchange.body.append(this.#evidence(message.evidence));
      exchange.body.append(make("p", "ag-meta", this.#metaLine(message)));
      if (message.note) exchange.body.append(make("p", "ag-meta", message.note));
    });
    this.#end(exchange, message.was_cancelled ? `${message.text} Stopped.` : message.text);
  }

  /** With the moment that it spoke of. */
  erased(message) {
    const exchange = this.#exchanges.get(message.id);
    if (!exchange) return;
    this.#tell("ag-cancelling", {}); // it is not spoken on
    exchange.body.replaceChildren(make("p", "ag-meta", message.message));
    exchange.item.classList.remove("is-waiting", "is-open");
    this.#part("said").textContent = message.message;
    this.#showCancel();
  }

  failed(message) {
    const exchange = this.#exchanges.get(message.id);
    if (!exchange) return;
    this.#keepAtEnd(() => exchange.body.append(make("p", "ag-failure", message.message)));
    this.#end(exchange, message.message);
  }

  /** A question that was spoken: to be corrected, or asked at once. */
  propose(question, isAsked) {
    this.#field.value = question;
    this.#grow();
    if (isAsked) this.ask(question);
    else this.#field.focus();
  }

  /** While an answer sounds, there is something to stop. */
  setSpeaking(isSpeaking) {
    this.#isSpeaking = isSpeaking;
    this.#showCancel();
  }

  ask(question) {
    this.#tell("ag-asking", {});
    if (!this.#connection.send({ type: "ask", text: question })) {
      this.refuse("There is no connection to Afterglow at this moment. Your question is still here; try again soon.");
    }
  }

  #tell(kind, detail) {
    this.#root.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  #cancel() {
    this.#tell("ag-cancelling", {});
    this.#connection.send({ type: "cancel" });
    this.#field.focus();
  }

  #add(opening) {
    this.#part("welcome").hidden = true;
    const item = make("article", "ag-exchange is-waiting is-open");
    const body = make("div", "ag-answer");
    const text = make("p", "ag-text");
    body.append(text);
    item.append(make("p", "ag-question", opening.question), body);
    this.#part("log").append(item);
    this.#exchanges.set(opening.id, { id: opening.id, item, body, text });
  }

  #end(exchange, said) {
    exchange.item.classList.remove("is-waiting", "is-open");
    this.#part("said").textContent = said;
    this.#tell("ag-ended", { id: exchange.id, body: exchange.body, said });
    this.#showCancel();
  }

  #showCancel() {
    this.#part("cancel").hidden = !this.#isSpeaking && !this.#part("log").querySelector(".is-open");
  }

  /** A sentence with its chips; one that nothing shows says so. */
  #sentence(text, evidence) {
    const line = make("p", "ag-line");
    const chips = new Map(evidence.map((item) => [this.#tools.clock.span(item.start_s, item.end_s), item])); // two things at one time: one chip
    line.append(make("span", "ag-text", text), ...[...chips.values()].map((item) => this.#chip(item)));
    if (!evidence.length) {
      const mark = make("span", "ag-unproven", "no picture");
      mark.title = "No picture shows this.";
      line.append(mark);
    }
    return line;
  }

  #chip(item) {
    const label = this.#tools.clock.span(item.start_s, item.end_s);
    const chip = make("button", "ag-chip", label);
    chip.type = "button";
    chip.setAttribute("aria-label", `Show what was seen ${label}`);
    this.#makeOpener(chip, item);
    return chip;
  }

  #makeOpener(button, item) {
    const span = [item.start_s, item.end_s];
    const frame = Number(item.picture.split("/").at(-1).replace(".jpg", ""));
    button.addEventListener("click", () => this.#tools.open({ watch: item.watch, timeS: item.start_s, frame, span }));
    for (const kind of ["pointerenter", "focus"]) button.addEventListener(kind, () => this.#tools.mark(span));
    for (const kind of ["pointerleave", "blur"]) button.addEventListener(kind, () => this.#tools.mark(null));
  }

  #evidence(items) {
    const list = make("ul", "ag-evidence");
    list.setAttribute("aria-label", "What this answer rests on");
    for (const item of items) {
      const source = `/afterglow/frames/${encodeURIComponent(this.#key)}/${item.picture}`;
      const label = this.#tools.clock.span(item.start_s, item.end_s);
      const image = make("img");
      image.alt = "";
      image.src = source;
      image.addEventListener("error", () => image.classList.add("is-missing"));
      const button = make("button", "ag-thumb");
      button.type = "button";
      button.setAttribute("aria-label", `Show the picture from ${label}`);
      button.append(image, make("span", "", label));
      this.#makeOpener(button, item);
      const entry = make("li");
      entry.append(button);
      list.append(entry);
    }
    return list;
  }

  #metaLine(message) {
    const facts = [`looked at ${this.#tools.clock.words(message.asked_at_s)}`];
    if (message.was_cancelled) facts.unshift("stopped");
    if (message.ttft_ms !== null) facts.push(`first token ${milliseconds(message.ttft_ms)}`);
    facts.push(`whole answer ${milliseconds(message.total_ms)}`);
    return facts.join(" · ");
  }

  /** Scrolls along with what is added, unless the user has scrolled up to read. */
  #keepAtEnd(change, isForced = false) {
    const log = this.#part("log");
    const isNarrow = getComputedStyle(log).overflowY === "visible"; // then the page scrolls, not the conversation
    const scroller = isNarrow ? document.scrollingElement : log;
    const wasAtEnd = isForced || scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
    change();
    if (wasAtEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  #onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.ask(this.#field.value);
  }

  #grow() {
    this.#field.style.height = "auto";
    this.#field.style.height = `${Math.min(this.#field.scrollHeight + 2, 160)}px`;
  }
}
