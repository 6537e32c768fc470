"""Serves the page, runs a long job when somebody starts one, and emits how far each job is."""

import contextlib, http.server, json, pathlib, secrets, threading, time, urllib.parse, urllib.request

STREAM = "http://localhost:8000/events/"  # where browsers listen
CONTROL = "http://127.0.0.1:8001"  # where only back ends may ask for tokens and emit
TOKEN_SECONDS = 3600
PORT = 8080
ROWS = 200
SECONDS_PER_ROW = 0.05
PAGE = pathlib.Path(__file__).with_name("index.html")
rows_done = {}  # of each job; stands for your database


def call_server(path, **fields):
    body = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(CONTROL + path, body, timeout=5) as answer:
        return answer.read().decode()


def run(job):
    for row in range(1, ROWS + 1):
        time.sleep(SECONDS_PER_ROW)  # your work goes here
        rows_done[job] = row
        progress = json.dumps({"done": row, "of": ROWS})
        with contextlib.suppress(OSError):  # the job goes on, even while nobody can watch it
            call_server("/emit/", userId=job, channel="progress", data=progress)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        job = secrets.token_hex(16)  # nobody can guess it, so only who started the job can watch it
        rows_done[job] = 0
        threading.Thread(target=run, args=[job], daemon=True).start()
        self.answer(200, "application/json", json.dumps(job))

    def do_GET(self):
        if self.path == "/":
            return self.answer(200, "text/html; charset=utf-8", PAGE.read_text("utf-8"))
        job = self.path.removeprefix("/jobs/")
        if job not in rows_done:
            return self.answer(404, "text/plain", "There is no such job.")
        try:
            token = call_server("/token/", userId=job, channel="progress", exp=TOKEN_SECONDS)
        except OSError:
            return self.answer(503, "text/plain", "The SSE server does not answer.")
        state = {"stream": f"{STREAM}?token={token}", "done": rows_done[job], "of": ROWS}
        self.answer(200, "application/json", json.dumps(state))

    def answer(self, status, content_type, text):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(text.encode())


with contextlib.suppress(KeyboardInterrupt):
    http.server.ThreadingHTTPServer(("localhost", PORT), Handler).serve_forever()
