import httpx
from httpx_sse import connect_sse

from loop import Refused

# A heartbeat comes every 15 seconds.
client = httpx.Client(timeout=httpx.Timeout(10, read=45))


def listen_once(url, token, last_id, on_event):
    headers = {"Authorization": f"Bearer {token}"}
    if last_id is not None:
        headers["Last-Event-ID"] = last_id
    with connect_sse(client, "GET", url, headers=headers) as source:
        if source.response.status_code == 401:
            raise Refused
        source.response.raise_for_status()
        for event in source.iter_sse():
            on_event(event.id, event.event, event.data)
