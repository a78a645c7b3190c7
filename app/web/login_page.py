"""The page that asks a browser for the token: one form, no script, nothing loaded.

Comes in: a sentence about the last try. Goes out: HTML and the headers that belong to it. Pure.
"""

from html import escape
from string import Template

__all__ = ["LOGIN_PATH", "LOGOUT_PATH", "login_html", "login_policy"]

LOGIN_PATH = "/afterglow/login"
LOGOUT_PATH = "/afterglow/logout"

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Afterglow: log in</title>
<style>
:root {
  --paper: #f8f4f0; --card: #fffdfb; --line: #e4dad2; --edge: #a99aa1; --ink: #2b2430; --soft: #6d6070;
  --glow: #b3472f; --glow-deep: #983a2a; --on-glow: #fffaf6; --bad: #a3283f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16121a; --card: #1f1925; --line: #372d3f; --edge: #7b6c80; --ink: #f1e9ee; --soft: #b3a5b3;
    --glow: #f39a63; --glow-deep: #ffb283; --on-glow: #2a140b; --bad: #ff9aa5;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100dvh; display: grid; place-items: center; padding: 1.25rem;
  background: var(--paper); color: var(--ink);
  font: 400 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main {
  width: min(26rem, 100%); padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 18px; box-shadow: 0 8px 28px rgb(40 20 30 / 10%);
}
header { display: flex; align-items: center; gap: .65rem; margin-bottom: 1.25rem; }
.mark {
  width: 1.4rem; height: 1.4rem; border-radius: 50%;
  background: radial-gradient(circle at 50% 62%, #ffd9a0, #f2884b 48%, #b8436b 88%);
}
h1 { margin: 0; font-size: 1.15rem; font-weight: 650; letter-spacing: -.015em; }
label { display: block; font-weight: 600; margin-bottom: .35rem; }
input {
  width: 100%; padding: .65rem .8rem; font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--edge); border-radius: 10px;
}
button {
  width: 100%; margin-top: 1rem; padding: .7rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  color: var(--on-glow); background: var(--glow); border: 0; border-radius: 10px;
}
button:hover { background: var(--glow-deep); }
:is(input, button):focus-visible { outline: 2px solid var(--glow); outline-offset: 2px; }
p { margin: 1rem 0 0; color: var(--soft); font-size: .92rem; }
.problem { margin: 0 0 1rem; color: var(--bad); font-weight: 600; }
</style>
</head>
<body>
<main>
<header><span class="mark" aria-hidden="true"></span><h1>Afterglow</h1></header>
$problem<form method="post" action="$action">
<label for="token">Token</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password"
  autocapitalize="off" spellcheck="false" maxlength="512" aria-describedby="hint">
<button type="submit">Log in</button>
<p id="hint">The token was shown when Afterglow was started for other machines the first time. It lies in a file on the
machine that runs it, whose place is told at every start.</p>
</form>
</main>
</body>
</html>
""")


def login_html(problem: str | None = None) -> bytes:
    """problem: a sentence; None at the first visit."""
    said = "" if problem is None else f'<p class="problem" role="alert">{escape(problem)}</p>\n'
    return _PAGE.substitute(problem=said, action=LOGIN_PATH).encode()


def login_policy() -> bytes:
    return b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
