/*! Simple SSE Server, MIT License. How this works: docs/client.md */

const POSITION = /^\d{16}-[a-z\d]{6}$/;
const isOfLog = (id, other) => id?.slice(16) === other?.slice(16);
const isBefore = ([id, own], [other, otherOwn]) =>
  isOfLog(id, other) && (id < other || (id === other && own < otherOwn));

const PAGE_EVENTS = ["pagehide", "pageshow", "freeze", "resume", "online", "visibilitychange"];
const LONGEST_PAUSE_MS = 30000;

export function connect(url, options = {}) {
  const { token, share, lastEventId, gap, state: onState, silenceMs = 45000 } = options;
  const target = new URL(url, globalThis.location?.href);
  const received = new EventTarget();
  const types = new Set(["hello", "message", "gap"]);
  const end = new AbortController();
  let state = "connecting";
  let reason, bearer, user;
  let life, wake;

  let mark = [POSITION.test(lastEventId) ? lastEventId : undefined, 0];
  let mayRepeat, doubtful, lastStream;
  const ownIds = [];

  let isAlone = share === false || !globalThis.BroadcastChannel || !navigator.locks ||
    (lastEventId && !mark[0]);
  let group, channel, candidate, release, askedOf, silentTicks, mustSteal;

  let isLeading, isOpened, streamId, stream, source, heardAt;
  let at = [lastEventId, 0];
  let retryMs = 3000;

  function setState(next, why) {
    if (state === "closed" || (state === next && reason === why)) return;
    state = next;
    reason = why;
    if (isLeading) tell([]);
    if (onState) queueMicrotask(() => onState(next, why));
  }

  function dispatch([lastEventId, type, data]) {
    if (state === "closed") return;
    received.dispatchEvent(new MessageEvent(type, { data, lastEventId }));
  }

  function on(type, handler, { json } = {}) {
    const handle = (event) => handler(json ? JSON.parse(event.data) : event.data, event);
    received.addEventListener(type, handle);
    if (!types.has(type)) source?.addEventListener(type, relayOne);
    types.add(type);
    return () => received.removeEventListener(type, handle);
  }

  function take({ id: streamId, mark: upTo, at: after, events }) {
    if (!mark[0]) mark = upTo;
    if (lastStream !== streamId) {
      lastStream = streamId;
      mayRepeat = ownIds.filter(([, since]) => since >= after[0]).map(([own]) => own);
      doubtful = [];
    }
    at = after;
    for (const event of events) {
      const [id, type] = event;
      const [position] = mark;
      const isSameLog = position && isOfLog(id, position);
      if (POSITION.test(id) && id !== at[0] && (isSameLog || !position || type === "gap")) {
        at = [id, 0];
        const isOld = isSameLog && id <= position;
        if (!isOld) {
          doubtful.forEach(accept);
          mark = at;
          if (type) dispatch(event);
        }
        doubtful = [];
      } else if (type) {
        if (!isBefore(at, mark)) accept(event);
        else if (at[0] !== position) {
          const index = mayRepeat.indexOf(id);
          if (index < 0) doubtful.push(event);
          else {
            mayRepeat.splice(index, 1);
            doubtful = [];
          }
        }
        at = [at[0], at[1] + 1];
      }
    }
  }

  function accept(event) {
    mark = [mark[0], mark[1] + 1];
    if (ownIds.push([event[0], mark[0]]) > 1000) ownIds.shift();
    dispatch(event);
  }

  function tell(events) {
    const news = { id: streamId, mark, at, events, state, reason };
    channel?.postMessage(news);
    return news;
  }

  function relay(events) {
    take(tell(events));
    isOpened = true;
    setState("open");
  }

  function ask() {
    channel.postMessage({ from: mark });
  }

  function hear({ data: news }) {
    const { id, from } = news;
    if (isLeading) {
      if (!from) return;
      if (from[0] && (!at[0] || isBefore(from, at))) {
        if (!mark[0]) mark = from;
        begin(from);
        drop();
      }
      return tell([]);
    }
    if (from) return;
    silentTicks = 0;
    const [asked] = mark;
    if (asked && news.at[0] && !isOfLog(asked, news.at[0])) {
      mark = news.mark;
      dispatch([mark[0], "gap", JSON.stringify({ asked, oldest: null })]);
    }
    if (asked && (!news.at[0] || isBefore(mark, news.at))) {
      if (askedOf !== id) ask();
      askedOf = id;
      return;
    }
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
    channel = undefined;
  }

  function begin([id]) {
    at = [id, 0];
    streamId = Math.random();
  }

  function lead() {
    isLeading = true;
    begin(mark[0] ? mark : at);
    tell([]);
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
        if (signal.aborted) return resolve();
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
    let owner, names;
    try {
      const payload = bearer.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
      const { iss, sub, userId, channel } = JSON.parse(atob(payload));
      owner = JSON.stringify([iss, sub, userId]);
      names = userId && channel;
    } catch {
      names = "";
    }
    user ??= owner;
    if (user !== owner) close("The token is for another user");
    else if (share || names) join(share || [user, names]);
    else standAlone();
  }

  function parser(events) {
    const decoder = new TextDecoder();
    let rest = "";
    let endsInCr;
    let data = [];
    let type = "";
    let id = "";
    function readLine(line) {
      const [, field, value] = /^([^:]*):? ?([^]*)/.exec(line);
      if (line === "") {
        if (data.length) {
          const isHello = type === "hello" && !isOpened && !events.length;
          events.push(isHello ? [id] : [id, type || "message", data.join("\n")]);
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
    begin(at);
    isOpened = false;
    heardAt = Date.now();
    if (!("body" in Response.prototype)) return listenWithEventSource(address, signal);
    const headers = {};
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    if (at[0]) headers["Last-Event-ID"] = at[0];
    const response = await fetch(address, {
      headers,
      signal,
      cache: "no-store",
      credentials: token ? "same-origin" : "include",
    });
    const { status, body } = response;
    if (status === 204) return close("The token was revoked", true);
    if (status !== 200 || !/^text\/event-stream/i.test(response.headers.get("Content-Type"))) {
      throw fail(`${status} ${await response.text()}`, status === 401);
    }
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
    if (at[0]) address.searchParams.set("lastEventId", at[0]);
    source = new EventSource(address, { withCredentials: !token });
    for (const type of types) source.addEventListener(type, relayOne);
    return new Promise((_, reject) => {
      source.onerror = signal.onabort = () => {
        source.close();
        source = undefined;
        reject(fail("The stream ended", !isOpened));
      };
    });
  }

  function relayOne({ type, data, lastEventId: id }) {
    relay([type === "hello" && !isOpened ? [id] : [id, type, data]]);
  }

  async function live() {
    const { signal } = life = new AbortController();
    const timer = setInterval(tick, 5000);
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
      setState("connecting", "silent");
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
      setState("connecting", "asleep");
    } else if (!life) live();
    else {
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
