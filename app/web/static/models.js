// Which language model answers, and which others there are.

import { make } from "./words.js";

export class Models {
  #part;

  constructor(part, connection) {
    this.#part = part;
    part("model").addEventListener("click", () => {
      connection.send({ type: "models" });
      part("modeldialog").showModal();
    });
    part("modeldialog").querySelector("[data-close]").addEventListener("click", () => part("modeldialog").close());
  }

  tell(message) {
    const chosen = message.choices.find((one) => one.is_available);
    this.#part("models").replaceChildren(...message.choices.map((one) => row(one, one === chosen)));
    this.#part("modelnote").textContent = message.choices.length === 1
      ? "This version of Afterglow runs this one model."
      : "What you start next is answered by the model chosen here.";
  }
}

function row(choice, isChosen) {
  const label = make("label", "ag-model-choice");
  const input = make("input");
  Object.assign(input, { type: "radio", name: "model", value: choice.name, checked: isChosen, disabled: !choice.is_available });
  const words = make("span");
  words.append(make("strong", "", choice.title), make("span", "", choice.reason ?? choice.about));
  label.append(input, words);
  return label;
}
