import asyncio
import random
import time


class Refused(Exception):
    """The server refused the token: get another one."""


def keep_listening(listen_once, url, token, on_event, on_end, wait=1.0):
    last_id = None

    def keep(id, type, data):
        nonlocal last_id
        last_id = id
        on_event(id, type, data)

    while True:
        try:
            listen_once(url, token, last_id, keep)
            on_end("a clean end")
        except Refused as error:
            on_end(error)
            return
        except Exception as error:
            on_end(error)
        time.sleep(wait * random.uniform(1, 3))


async def keep_listening_async(listen_once, url, token, on_event, on_end, wait=1.0):
    last_id = None

    def keep(id, type, data):
        nonlocal last_id
        last_id = id
        on_event(id, type, data)

    while True:
        try:
            await listen_once(url, token, last_id, keep)
            on_end("a clean end")
        except Refused as error:
            on_end(error)
            return
        except Exception as error:
            on_end(error)
        await asyncio.sleep(wait * random.uniform(1, 3))
