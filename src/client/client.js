/*! Simple SSE Server's client, MIT License. How it works: docs/client.md */

const POSITION = /^\d{16}-[a-z\d]{6}$/;
const isOfLog = (id, other) => id.slice(16) === other.slice(16);

const PAGE_EVENTS = ["pagehide", "pageshow", "freeze", "resume", "online", "visibilitychange"];
const TICK_MS = 5000;
const LONGEST_PAUSE_MS = 30000;
const OWN_IDS = 1000;

export function connect(url, options = {}) {
  const { token, share, lastEventId, gap, state: onState, silenceMs = 45000 } = options;
  const target = new URL(url, globalThis.location?.href);
  const me = Math.random();
  const received = new EventTarget();
  const types = new Set(["hello", "message", "gap"]);
  const end = new AbortController();
  let state = "connecting";
  let reason, bearer, user;
  let life, wake;

  // What this tab has received.
  let position = POSITION.test(lastEventId) ? lastEventId : undefined;
  let mayRepeat, lastStream;
  const ownIds = [];

  // The group of tabs that share a stream.
  let isAlone = share === false || !globalThis.BroadcastChannel || !navigator.locks ||
    (lastEventId && !position);
  let group, channel, candidate, release, leader, hasAsked, silentTicks, mustSteal;

  // The stream, if this tab leads.
  let isLeading, isOpened, stream, source, heardAt;
  let streams = 0;
  let at = lastEventId;
  let retryMs = 3000;

  function setState(next, why) {
    if (state === "closed" || (state === next && reason === why)) return;
    state = next;
    reason = why;
    if (isLeading) tell([]);
    if (onState) queueMicrotask(() => onState(next, why));
  }

  function dispatch(id, type, data) {
    if (state === "closed") return;
    received.dispatchEvent(new MessageEvent(type, { data, lastEventId: id }));
  }

  function on(type, handler, { json } = {}) {
    const handle = (event) => handler(json ? JSON.parse(event.data) : event.data, event);
    received.addEventListener(type, handle);
    if (!types.has(type)) source?.addEventListener(type, relayOne);
    types.add(type);
    return () => received.removeEventListener(type, handle);
  }

  function take({ by, nth, upTo, after, events }) {
    position ??= upTo;
    if (lastStream !== by + nth) {
      lastStream = by + nth;
      mayRepeat = ownIds.filter(([, since]) => !(since < after));
    }
    for (const [id, type, data] of events) {
      const isSameLog = position && isOfLog(id, position);
      const index = mayRepeat.findIndex(([own]) => own === id);
      if (POSITION.test(id) && id !== after && (isSameLog || !position || type === "gap")) {
        after = id;
        if (isSameLog && id <= position) continue;
        position = id;
        mayRepeat = [];
      } else if (index >= 0) {
        mayRepeat.splice(index, 1);
        continue;
      } else if (ownIds.push([id, position]) > OWN_IDS) ownIds.shift();
      if (type) dispatch(id, type, data);
    }
    return after;
  }

  function tell(events, isNew) {
    const news = { by: me, isNew, nth: streams, upTo: position, after: at, events, state, reason };
    channel?.postMessage(news);
    return news;
  }

  function relay(events) {
    at = take(tell(events));
  }

  function ask() {
    channel.postMessage({ asks: true, from: position });
  }

  function hear({ data: news }) {
    const { by, isNew, upTo, after, asks, from } = news;
    if (asks) {
      if (!isLeading) return;
      if (from && at && isOfLog(from, at) && from < at) {
        at = from;
        drop();
      }
      return tell([]);
    }
    if (isNew || !leader) {
      leader = by;
      hasAsked = false;
      stepDown();
    }
    if (by !== leader) return;
    silentTicks = 0;
    if (position && after && !isOfLog(position, after)) {
      const data = JSON.stringify({ asked: position, oldest: null });
      position = upTo;
      dispatch(position, "gap", data);
    }
    if (position < after) {
      if (!hasAsked) ask();
      hasAsked = true;
      return;
    }
    hasAsked = false;
    take(news);
    if (news.state === "closed") close(news.reason);
    else setState(news.state, news.reason);
  }

  function drop() {
    stream?.abort();
    wake?.();
  }

  function stepDown() {
    if (isLeading) drop();
    isLeading = false;
  }

  function leave() {
    stepDown();
    candidate?.abort();
    release?.();
    channel?.close();
    channel = leader = undefined;
  }

  function lead() {
    isLeading = true;
    leader = me;
    at = position ?? at;
    tell([], true);
  }

  function standAlone() {
    isAlone = true;
    leave();
  }

  function stand() {
    if (isAlone || !group) return lead();
    if (!channel) {
      channel = new BroadcastChannel(group);
      channel.onmessage = hear;
      ask();
    }
    const { signal } = candidate = new AbortController();
    const how = mustSteal ? { steal: true } : { signal };
    mustSteal = false;
    silentTicks = 0;
    return new Promise((resolve) => {
      const hold = () => {
        if (signal.aborted) return;
        lead();
        resolve();
        return new Promise((done) => {
          release = done;
        });
      };
      navigator.locks.request(group, how, hold).catch((error) => {
        if (error.name !== "AbortError") standAlone();
        else if (candidate.signal === signal) stepDown();
        resolve();
      });
    });
  }

  function join(key) {
    group = `sse1 ${target} ${JSON.stringify(key)}`;
    if (channel && channel.name !== group) leave();
  }

  async function renew() {
    let text = typeof token === "function" ? await token() : token;
    if (text.text) {
      if (!text.ok) throw Error(`No token: ${text.status}`);
      text = await text.text();
    }
    bearer = text.trim();
    try {
      const payload = bearer.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
      const { userId, channel } = JSON.parse(atob(payload));
      user ??= userId;
      if (user !== userId) return close("The token is for another user");
      join(share ?? [user, channel]);
    } catch {
      if (!share) standAlone();
    }
  }

  function opened() {
    isOpened = true;
    setState("open");
  }

  function parser(events) {
    const decoder = new TextDecoder();
    let rest = "";
    let endsInCr;
    let isFirst = true;
    let data = [];
    let type = "";
    let id = "";
    function readLine(line) {
      const [, field, value] = /^([^:]*):? ?([^]*)/.exec(line);
      if (line === "") {
        if (data.length) {
          const isHello = isFirst && type === "hello";
          events.push(isHello ? [id] : [id, type || "message", data.join("\n")]);
          isFirst = false;
        }
        data = [];
        type = "";
      } else if (line === ": token expired") bearer = undefined;
      else if (field === "data") data.push(value);
      else if (field === "event") type = value;
      else if (field === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
      else if (field === "id" && !value.includes("\0")) {
        id = value;
        if (!type && !data.length && POSITION.test(id)) events.push([id]);
      }
    }
    return (bytes) => {
      let text = decoder.decode(bytes, { stream: true });
      if (text === "") return;
      if (endsInCr && text[0] === "\n") text = text.slice(1);
      endsInCr = text.endsWith("\r");
      const lines = (rest + text).split(/\r\n?|\n/);
      rest = lines.pop();
      lines.forEach(readLine);
    };
  }

  function fail(message, isRefused) {
    return Object.assign(Error(message), { isRefused });
  }

  async function listen() {
    const { signal } = stream = new AbortController();
    const address = new URL(target);
    address.searchParams.set("greeting", "event");
    streams++;
    heardAt = Date.now();
    if (!("body" in Response.prototype)) return listenWithEventSource(address, signal);
    const headers = { Accept: "text/event-stream" };
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    if (at) headers["Last-Event-ID"] = at;
    const response = await fetch(address, {
      headers,
      signal,
      cache: "no-store",
      credentials: token ? "same-origin" : "include",
    });
    const { status, body } = response;
    if (status === 204) return close("204", true);
    if (status !== 200 || !/^text\/event-stream/i.test(response.headers.get("Content-Type"))) {
      throw fail(`${status} ${(await response.text()).slice(0, 200)}`, status === 401);
    }
    opened();
    const events = [];
    const feed = parser(events);
    const reader = body.getReader();
    while (true) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) throw fail("The stream ended");
      heardAt = Date.now();
      feed(value);
      if (events.length) relay(events.splice(0));
    }
  }

  function listenWithEventSource(address, signal) {
    heardAt = NaN;
    if (bearer) address.searchParams.set("token", bearer);
    if (at) address.searchParams.set("lastEventId", at);
    source = new EventSource(address, { withCredentials: !token });
    for (const type of types) source.addEventListener(type, relayOne);
    source.onopen = opened;
    return new Promise((_, reject) => {
      source.onerror = signal.onabort = () => {
        source.close();
        source = undefined;
        reject(fail("The stream ended", !isOpened));
      };
    });
  }

  function relayOne({ type, data, lastEventId: id }) {
    relay([type === "hello" ? [id] : [id, type, data]]);
  }

  async function live() {
    const { signal } = life = new AbortController();
    const timer = setInterval(tick, TICK_MS * (1 + Math.random() / 4));
    let failures = 0;
    let refusals = 0;
    while (!signal.aborted) {
      try {
        if (token && !bearer && (isLeading || !share)) await renew();
        else if (!isLeading) await stand();
        else await listen();
      } catch (error) {
        if (signal.aborted) break;
        const isDropped = stream?.signal.aborted;
        stream = undefined;
        failures++;
        if (isOpened) failures = refusals = 0;
        isOpened = false;
        if (error.isRefused) bearer = undefined;
        if (isDropped || (token && !bearer && !refusals++)) continue;
        setState("connecting", error.message);
        const ms = Math.min(retryMs * 2 ** failures, Math.max(retryMs, LONGEST_PAUSE_MS));
        await pause(failures ? ms * (0.5 + Math.random() / 2) : ms);
      }
    }
    clearInterval(timer);
  }

  function pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function tick() {
    if (stream && Math.abs(Date.now() - heardAt) > silenceMs) {
      setState("connecting", "The stream was silent");
      drop();
    }
    if (!channel || isLeading) return;
    silentTicks++;
    if (silentTicks > 3) {
      mustSteal = true;
      candidate.abort();
    } else if (silentTicks > 1) ask();
  }

  function sleep() {
    life?.abort();
    life = undefined;
    leave();
  }

  function onPageEvent({ type }) {
    if (type === "pagehide" || type === "freeze") {
      sleep();
      setState("connecting", "The page sleeps");
    } else if (!life) live();
    else if (type === "online" || document.visibilityState === "visible") {
      tick();
      wake?.();
    }
  }

  function close(why, isForAll) {
    if (!isForAll) leave();
    setState("closed", why);
    sleep();
    end.abort();
  }

  if (share) join(share);
  if (gap) on("gap", gap, { json: true });
  for (const type of PAGE_EVENTS) {
    globalThis.addEventListener?.(type, onPageEvent, { capture: true, signal: end.signal });
  }
  live();
  return {
    on,
    close: () => close(),
    get state() {
      return state;
    },
  };
}
