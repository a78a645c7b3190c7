// Spoken answers: the switch, the player, what silences it, and the button that says an answer again.

import { Player } from "./player.js";
import { make } from "./words.js";

const KEY = "afterglow-speaks";
const BLOCKED = "The browser lets no page sound before a click: press any key or click anywhere to hear the answers.";

export class Speaker {
  #root;
  #part;
  #connection;
  #player;
  #isOn = recall();
  #bodies = new Map(); // exchange -> where its answer stands
  #replays = new Map(); // exchange -> its button
  #sounding = null; // exchange that is being heard
  #problem = "";
  #numSilences = 0; // told to the server and not yet carried out: what comes until then is of old talks

  /** onSpeaking(isSpeaking): for who shows a Stop button. */
  constructor(root, part, connection, onSpeaking) {
    this.#root = root;
    this.#part = part;
    this.#connection = connection;
    this.#player = new Player(
      (id, positionS, isOver) => this.#played(id, positionS, isOver),
      (isBlocked) => this.say(isBlocked && this.#isOn ? BLOCKED : ""),
    );
    this.onSpeaking = onSpeaking;
    part("speaker").addEventListener("click", () => this.switch(!this.#isOn));
    // Browsers let a page sound after the first gesture, whatever it is aimed at.
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => this.#isOn && this.#player.unlock());
    this.#show();
  }

  get isOn() {
    return this.#isOn;
  }

  get isSpeaking() {
    return this.#player.isPlaying;
  }

  /** The line under the question; empty: nothing to say. */
  say(sentence) {
    const line = this.#part("voice");
    if (line.textContent !== sentence) line.textContent = sentence;
  }

  /** A new connection: the server knows nothing of this page's wish yet, and will send nothing of old talks. */
  restore() {
    this.#player.flush();
    this.#numSilences = 0;
    this.#bodies.clear();
    this.#replays.clear();
    this.#setSounding(null);
    this.#connection.send({ type: "speak", on: this.#isOn });
  }

  switch(isOn) {
    this.#isOn = isOn;
    remember(isOn);
    if (isOn) this.#player.unlock();
    else this.silence();
    this.#connection.send({ type: "speak", on: isOn });
    this.#show();
  }

  /** Silence first, then the news of it. */
  silence() {
    const cut = this.#player.flush();
    this.#setSounding(null);
    const isTold = this.#connection.send({ type: "silence", id: cut?.id ?? null, position_s: cut?.positionS ?? 0 });
    this.#numSilences += isTold ? 1 : 0;
    this.onSpeaking(false);
  }

  announce(sentence) {
    if (this.#isOn) this.#connection.send({ type: "say", text: sentence });
  }

  chime(isGood) {
    this.#player.chime(isGood);
  }

  follow(status) {
    const problem = (this.#isOn && status.speech?.problem) || "";
    if (problem !== this.#problem) this.say(problem && `Answers are not spoken: ${problem}`);
    this.#problem = problem;
  }

  /** An answer stands in `body`: it can be heard again. */
  ended({ id, body }) {
    this.#bodies.set(id, body);
    const button = make("button", "ag-replay", "Say it again");
    button.type = "button";
    button.addEventListener("click", () => {
      this.#player.unlock();
      const wasSounding = this.#sounding === id;
      this.silence();
      if (!wasSounding) this.#connection.send({ type: "say", exchange: id });
    });
    this.#replays.set(id, button);
    body.append(button);
    if (this.#sounding === id) this.#setSounding(id);
  }

  /** The newest answer once more. */
  replayLast() {
    const newest = Math.max(...this.#replays.keys());
    this.#replays.get(newest)?.click();
  }

  /** A talk begins or ends on the server. */
  speech(message) {
    if (message.state === "begin") return;
    if (message.problem) this.say(`Not spoken: ${message.problem}`);
    if (message.state === "cut") this.#showHeard(message);
    else this.#player.end(message.id);
  }

  /** The server has nothing more of what was silenced. */
  hushed() {
    this.#numSilences = Math.max(this.#numSilences - 1, 0);
  }

  audio(bytes, id, exchange) {
    if (this.#numSilences) return;
    this.#player.play(id, new Int16Array(bytes));
    if (this.#sounding !== exchange) this.#setSounding(exchange);
    this.onSpeaking(true);
  }

  #played(id, positionS, isOver) {
    this.#connection.send({ type: "played", id, position_s: positionS, is_over: isOver });
    if (!this.#player.isPlaying) {
      this.#setSounding(null);
      this.onSpeaking(false);
    }
  }

  #showHeard(message) {
    const body = this.#bodies.get(message.exchange);
    if (!body) return;
    body.querySelector(".ag-heard")?.remove();
    const words = message.heard ? `Heard until “… ${message.heard.split(" ").slice(-4).join(" ")}”` : "Cut before a word was heard";
    body.append(make("p", "ag-meta ag-heard", words));
  }

  #setSounding(exchange) {
    this.#sounding = exchange;
    for (const [id, button] of this.#replays) {
      button.textContent = id === exchange ? "Be silent" : "Say it again";
      button.classList.toggle("is-sounding", id === exchange);
    }
    this.#root.classList.toggle("is-speaking", exchange !== null);
  }

  #show() {
    const button = this.#part("speaker");
    button.setAttribute("aria-pressed", String(this.#isOn));
    button.title = this.#isOn ? "Answers are spoken: press for silence" : "Press to hear the answers";
  }
}

// Where the browser forbids storage, the switch begins anew each time.
function recall() {
  try {
    return localStorage.getItem(KEY) === "yes";
  } catch {
    return false;
  }
}

function remember(isOn) {
  try {
    localStorage.setItem(KEY, isOn ? "yes" : "no");
  } catch {
    // begins anew next time
  }
}
