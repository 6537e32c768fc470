const [list, note, login, send] = ["messages", "note", "login", "send"]
  .map((id) => document.getElementById(id));
const messages = new Map();
let source;

async function ask(action, form) {
  const headers = { "X-Session": sessionStorage.getItem("session") ?? "" };
  const body = new URLSearchParams([["action", action], ...new FormData(form)]);
  const noAnswer = () => Response.json("The back end does not answer.", { status: 503 });
  const answer = await fetch("chat.php", { method: "POST", headers, body }).catch(noAnswer);
  return { status: answer.status, content: await answer.json() };
}

async function refresh() {
  const { status, content } = await ask("refresh");
  login.hidden = status !== 401;
  send.hidden = status === 401;
  if (status === 401) return;
  if (status === 200) show(content.messages, content.me);
  const isOpen = source?.readyState === EventSource.OPEN;
  note.textContent = isOpen ? `You are ${content.me}.` : "Connecting…";
  if (!content.stream) return setTimeout(refresh, 1000);
  if (source && source.readyState !== EventSource.CLOSED) return;
  source = new EventSource(content.stream);
  source.onmessage = ({ data }) => show([JSON.parse(data)], content.me);
  source.onopen = refresh;
  // The server no longer has everything that this page missed. The back end has.
  source.addEventListener("gap", refresh);
  source.onerror = () => {
    note.textContent = "Connecting…";
    // The browser connects again by itself, but not with an expired token.
    if (source.readyState === EventSource.CLOSED) setTimeout(refresh, 1000);
  };
}

function show(received, me) {
  for (const message of received) messages.set(message.id, message);
  const sorted = [...messages.values()].sort((one, other) => one.at - other.at);
  list.replaceChildren(...sorted.map((message) => makeItem(message, me)));
  list.scrollTop = list.scrollHeight;
}

function makeItem({ at, from, to, text }, me) {
  const time = new Date(at * 1000).toLocaleTimeString([], { timeStyle: "short" });
  const item = document.createElement("li");
  item.className = from === me ? "mine" : "";
  // append() adds plain text. innerHTML would run what another user wrote.
  item.append(document.createElement("small"), text);
  item.firstChild.append(to === "*" ? from : `${from} to ${to} only`, ` · ${time}`);
  return item;
}

for (const form of [login, send]) {
  form.onsubmit = async (event) => {
    event.preventDefault();
    const { status, content } = await ask(form.id, form);
    if (status !== 200) return note.textContent = content;
    if (form === login) sessionStorage.setItem("session", content);
    form.querySelector("[required]").value = "";
    refresh();
  };
}
refresh();
