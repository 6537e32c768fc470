import aiohttp
from aiohttp_sse_client.client import EventSource

from loop import Refused


async def listen_once(url, token, last_id, on_event):
    headers = {"Authorization": f"Bearer {token}"}
    if last_id is not None:
        headers["Last-Event-ID"] = last_id
    # A heartbeat comes every 15 seconds.
    timeout = aiohttp.ClientTimeout(total=None, connect=10, sock_read=45)
    try:
        async with EventSource(url, headers=headers, timeout=timeout) as source:
            async for event in source:
                on_event(event.last_event_id, event.type or "message", event.data)
    except ConnectionRefusedError as error:
        raise Refused from error
