// The page's beginning: finds its parts, opens the connection, and hands what comes in to whoever shows it.

import { Camera } from "./camera.js";
import { Chat } from "./chat.js";
import { Clock } from "./clock.js";
import { Connection } from "./connection.js";
import { Login } from "./login.js";
import { Memory } from "./memory.js";
import { Models } from "./models.js";
import { Moments } from "./moments.js";
import { Picture } from "./picture.js";
import { SourceForm } from "./source_form.js";
import { Status } from "./status.js";
import { Timeline } from "./timeline.js";
import { Viewer } from "./viewer.js";
import { Voice } from "./voice.js";

export function start(element) {
  const root = element.querySelector(".ag");
  if (!root || root.dataset.started) return;
  root.dataset.started = "yes";
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const connection = new Connection();
  const status = new Status(root, part);
  const clock = new Clock();
  const acknowledge = (sidePx) => connection.send({ type: "ack", side_px: sidePx });
  const picture = new Picture(part, acknowledge, (timeS) => clock.words(timeS));
  let key = "";
  const moments = new Moments(part, { connection, clock, timeline: () => timeline });
  const viewer = new Viewer(part, {
    connection, clock, key: () => key, ask: (text) => chat.ask(text),
    pin: (span) => moments.remember(span), mayChange: () => moments.mayChange,
  });
  const chat = new Chat(root, part, connection, {
    clock, open: (moment) => viewer.open(moment), mark: (span) => timeline.mark(span),
  });
  const timeline = new Timeline(part, {
    clock, ask: (text) => chat.ask(text), look: (moment) => viewer.open(moment), changed: (span) => moments.selected(span),
  });
  const memory = new Memory(part, { connection, clock });
  const models = new Models(part, connection);
  part("receipt").querySelector("button").addEventListener("click", () => { part("receipt").hidden = true; });
  const camera = new Camera(connection, (sentence) => status.problem(sentence));
  const login = new Login(part);
  const form = new SourceForm(root, part, { connection, camera, status });

  const voice = new Voice(root, part, connection, chat);

  connection.on("hello", (message) => {
    part("body").inert = false; // before this, nobody would hear what is pressed
    key = message.key;
    chat.restore(message);
    timeline.restore(message);
    form.offer(message.cameras);
    login.greet(message);
    voice.restore();
  });
  connection.on("status", (message) => {
    status.show(message);
    clock.follow(message);
    timeline.follow(message);
    picture.follow(message);
    form.follow(message);
    chat.follow(message);
    voice.follow(message);
  });
  connection.on("problem", (message) => {
    if (message.about === "question") chat.refuse(message.message);
    else if (message.about === "moment") moments.refuse(message.message);
    else form.refuse(message.message);
  });
  connection.on("frame_ack", () => camera.acknowledged());
  connection.on("picture", (bytes) => picture.draw(bytes));
  connection.on("lost", () => {
    camera.acknowledged();
    status.lost();
    voice.lost();
    login.check();
  });
  connection.on("timeline", (message) => {
    timeline.tell(message);
    moments.permit(message.may_change);
    const forgotten = (message.gaps ?? []).filter(([kind]) => kind === "forgotten").map(([, startS, endS]) => [startS, endS]);
    if (forgotten.length) picture.forget(forgotten);
  });
  connection.on("moment", (message) => viewer.tell(message));
  connection.on("receipt", (message) => {
    if (message.kind === "forget") viewer.forget();
    moments.receipt(message);
  });
  connection.on("memory", (message) => memory.tell(message));
  connection.on("budget", (message) => memory.offer(message));
  connection.on("models", (message) => models.tell(message));
  connection.on("erased", (message) => {
    chat.erased(message);
    timeline.erased(message);
  });
  for (const kind of ["asked", "piece", "failed"]) connection.on(kind, (message) => chat[kind](message));
  connection.on("answer", (message) => {
    chat.answer(message);
    timeline.asked(message);
  });
  connection.open();
}
