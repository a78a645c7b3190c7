// The page's beginning: finds its parts, opens the connection, and hands what comes in to whoever shows it.

import { Camera } from "./camera.js";
import { Chat } from "./chat.js";
import { Connection } from "./connection.js";
import { Login } from "./login.js";
import { Picture } from "./picture.js";
import { SourceForm } from "./source_form.js";
import { Status } from "./status.js";
import { Voice } from "./voice.js";

export function start(element) {
  const root = element.querySelector(".ag");
  if (!root || root.dataset.started) return;
  root.dataset.started = "yes";
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const connection = new Connection();
  const status = new Status(root, part);
  const picture = new Picture(part, (sidePx) => connection.send({ type: "ack", side_px: sidePx }));
  const chat = new Chat(root, part, connection);
  const camera = new Camera(connection, (sentence) => status.problem(sentence));
  const login = new Login(part);
  const form = new SourceForm(root, part, { connection, camera, status });

  const voice = new Voice(root, part, connection, chat);

  connection.on("hello", (message) => {
    part("body").inert = false; // before this, nobody would hear what is pressed
    chat.restore(message);
    form.offer(message.cameras);
    login.greet(message);
    voice.restore();
  });
  connection.on("status", (message) => {
    status.show(message);
    picture.follow(message);
    form.follow(message);
    chat.follow(message);
    voice.follow(message);
  });
  connection.on("problem", (message) => {
    if (message.about === "question") chat.refuse(message.message);
    else form.refuse(message.message);
  });
  connection.on("frame_ack", () => camera.acknowledged());
  connection.on("picture", (bytes) => picture.draw(bytes));
  connection.on("lost", () => {
    camera.acknowledged();
    status.lost();
    login.check();
  });
  for (const kind of ["asked", "piece", "answer", "failed"]) connection.on(kind, (message) => chat[kind](message));
  connection.open();
}
