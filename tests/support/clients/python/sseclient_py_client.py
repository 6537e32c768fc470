import requests
from sseclient import SSEClient

from loop import Refused


def listen_once(url, token, last_id, on_event):
    headers = {"Authorization": f"Bearer {token}"}
    if last_id is not None:
        headers["Last-Event-ID"] = last_id
    # A heartbeat comes every 15 seconds.
    with requests.get(url, headers=headers, stream=True, timeout=(10, 45)) as response:
        if response.status_code == 401:
            raise Refused
        response.raise_for_status()
        for event in SSEClient(response).events():
            on_event(event.id, event.event, event.data)
