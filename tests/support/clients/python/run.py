"""Runs one client on many streams: `run.py CLIENT`, with the streams as JSON on standard input. Prints a line
of JSON for each event, and for each time that the client itself gave up."""
import asyncio
import inspect
import json
import sys
import threading

from importlib import import_module

import loop

WAIT = 0.05

printing = threading.Lock()


def show(line):
    with printing:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def callbacks(stream):
    def on_event(id, type, data):
        show({"stream": stream, "id": id, "type": type, "data": data})

    def on_end(error):
        show({"stream": stream, "state": "ended", "why": repr(error)})

    return on_event, on_end


async def all_of(listen_once, streams):
    await asyncio.gather(*(
        loop.keep_listening_async(listen_once, each["url"], each["token"], *callbacks(each["stream"]), WAIT)
        for each in streams
    ))


client = import_module(sys.argv[1])
streams = json.load(sys.stdin)
if inspect.iscoroutinefunction(client.listen_once):
    asyncio.run(all_of(client.listen_once, streams))
else:
    for each in streams:
        arguments = (client.listen_once, each["url"], each["token"], *callbacks(each["stream"]), WAIT)
        threading.Thread(target=loop.keep_listening, args=arguments).start()
