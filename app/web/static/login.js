// Where a token is needed: the way out, and back to the login page when the login has ended.

const LOGOUT = "/afterglow/logout";
const ANYTHING = "/afterglow/static/icon.svg"; // small, and for those alone who are logged in

export class Login {
  #button;

  constructor(part) {
    this.#button = part("logout");
    this.#button.addEventListener("click", async () => {
      await fetch(LOGOUT, { method: "POST", redirect: "manual" });
      location.assign("/");
    });
  }

  /** Programs and pages of this machine alone have none. */
  greet(message) {
    this.#button.hidden = !message.has_login;
  }

  /** The connection was lost: was it the login that ended? */
  async check() {
    try {
      const answer = await fetch(ANYTHING, { cache: "no-store" });
      if (answer.status === 401) location.reload();
    } catch {
      // Afterglow does not answer: the connection tries again
    }
  }
}
