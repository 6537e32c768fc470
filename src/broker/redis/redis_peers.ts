import type { Clock } from "../../lib/clock.ts";
import { within } from "../../lib/deadline.ts";
import { unlessSilent } from "../../lib/unless_silent.ts";
import { Signal } from "../../lib/signal.ts";
import type { Logger } from "../../observability/logger.ts";
import type { PeerAnswer, PeerAnswers, PeerHandler, Peers } from "../peers.ts";
import serversLua from "./lua/servers.lua" with { type: "text" };
import { parseMessage, type PeerMessage } from "./peer_messages.ts";
import { isLasting, isRefusal, redisReasonOf } from "./redis_errors.ts";
import { type RedisSession, scriptOf } from "./redis_session.ts";

const SERVERS = scriptOf(serversLua);

/** How often a server shows that it is alive. */
const BEAT_MS = 5000;

/** A server without a sign of life for this long counts as dead. */
const DEAD_MS = 20_000;

/** How long a question waits for answers. */
const ASK_MS = 2000;

/** What the servers of a log in Redis talk with. */
export interface RedisPeersDeps {
  /** The name of this server. */
  readonly self: string;
  /** What every key, and the name of every channel of Redis, begins with. */
  readonly prefix: string;
  /** The number of the database: channels of Redis are the same in all. */
  readonly database: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What the log of this process calls the store. */
  readonly where: string;
  /** How long a question waits for answers, in milliseconds. Default: 2000. */
  readonly askMs?: number;
}

/** A question, and what has been answered so far. */
interface Question {
  /** By server; `undefined` from a server that has no answer. */
  readonly answers: Map<string, unknown>;
  /** Finds out whether there is more to wait for. */
  readonly check: () => void;
}

/**
 * The other servers on one Redis. Messages go through its pub/sub, which costs nothing while nobody says
 * anything; who is alive is in a sorted set, by the clock of Redis. Works in one session after the other:
 * see {@link RedisPeers.run}.
 */
export class RedisPeers implements Peers {
  readonly #deps: RedisPeersDeps;
  readonly #channelOfAll: string;
  readonly #handlers = new Map<string, PeerHandler>();
  readonly #questions = new Map<number, Question>();
  /** When each other server was alive, on the steady clock. */
  readonly #seenAlive = new Map<string, number>();
  /** Servers that have said goodbye: their names never come back, but answers of Redis may be older. */
  readonly #gone = new Set<string>();
  readonly #entered = Promise.withResolvers<void>();
  readonly #sessionOver = new Signal();
  /** Set while the others hear this server, and it hears them. */
  #session: RedisSession | undefined;
  /** Whether Redis lets this server publish and subscribe. */
  #mayTalk = true;
  /** What Redis has refused: each is logged once. */
  readonly #refusals = new Set<string>();
  #lastQuestion = 0;

  constructor(deps: RedisPeersDeps) {
    this.#deps = deps;
    this.#channelOfAll = `${deps.prefix}servers:${deps.database}`;
  }

  /** The name of this server. */
  get self(): string {
    return this.#deps.self;
  }

  /** Resolves once the others can be heard for the first time. */
  get ready(): Promise<void> {
    return this.#entered.promise;
  }

  async ask(name: string, args: readonly unknown[]): Promise<PeerAnswers> {
    const answers = new Map<string, unknown>();
    const session = this.#session;
    if (session !== undefined) await this.#ask(session, name, args, answers);
    const isMissing = (server: string) => answers.get(server) === undefined;
    return {
      answers: Array.from(answers, ([server, answer]): PeerAnswer => ({ server, answer }))
        .filter(({ server }) => !isMissing(server)),
      unanswered: this.#others().filter(isMissing),
    };
  }

  serve(name: string, handler: PeerHandler): void {
    this.#handlers.set(name, handler);
  }

  /** Talks with the others until the session is over. */
  async run(session: RedisSession): Promise<never> {
    session.over.catch(() => this.#leave(session));
    this.#mayTalk = await this.#listen(session);
    // Only who hears is on the list, so that whoever is on it can be expected to answer.
    await this.#readServers(session);
    this.#enter(session);
    while (this.#session === session) {
      // Also said aloud: a Redis that has no room does not update the list.
      this.#send(this.#channelOfAll, { kind: "here", from: this.self });
      await this.#sessionOver.wait(BEAT_MS);
      await Promise.all([this.#readServers(session), session.checkListening()]);
    }
    return await session.over;
  }

  /** Tells the others that this server stops. */
  async close(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    const goodbye: PeerMessage = { kind: "goodbye", from: this.self };
    await Promise.all([
      this.#noteServers(session, "gone"),
      session.publish(this.#channelOfAll, JSON.stringify(goodbye)),
    ]).catch(() => {});
  }

  #channelOf(server: string): string {
    return `${this.#deps.prefix}server:${this.#deps.database}:${server}`;
  }

  #checkQuestions(): void {
    for (const { check } of this.#questions.values()) check();
  }

  /** Resolves to whether it may. */
  async #listen(session: RedisSession): Promise<boolean> {
    const channels = [this.#channelOfAll, this.#channelOf(this.self)];
    try {
      await session.listen(channels, (text) => this.#take(text));
      return true;
    } catch (error) {
      this.#noteRefusal(error);
      return false;
    }
  }

  #enter(session: RedisSession): void {
    const now = this.#deps.clock.steady();
    // Redis may have come back without the list: those who were there get the time to come back, too.
    for (const server of this.#seenAlive.keys()) this.#seenAlive.set(server, now);
    this.#session = session;
    this.#entered.resolve();
  }

  #leave(session: RedisSession): void {
    if (this.#session === session) {
      this.#forgetDead();
      this.#session = undefined;
    }
    this.#checkQuestions();
    this.#sessionOver.notify();
  }

  /** The others that are alive; while Redis is away, those that were. */
  #others(): readonly string[] {
    if (this.#session !== undefined) this.#forgetDead();
    return [...this.#seenAlive.keys()];
  }

  #forgetDead(): void {
    const now = this.#deps.clock.steady();
    for (const [server, seenAt] of this.#seenAlive) {
      if (now - seenAt > DEAD_MS) this.#seenAlive.delete(server);
    }
  }

  /** Notes that this server is alive, and learns which others are. */
  async #readServers(session: RedisSession): Promise<void> {
    const found = await this.#noteServers(session, "here");
    const now = this.#deps.clock.steady();
    for (let n = 0; n + 1 < found.length; n += 2) {
      this.#noteAlive(String(found[n]), now - Number(found[n + 1]));
    }
  }

  #noteAlive(server: string, seenAt: number): void {
    if (this.#gone.has(server)) return;
    this.#seenAlive.set(server, Math.max(seenAt, this.#seenAlive.get(server) ?? -Infinity));
  }

  async #noteServers(session: RedisSession, sign: "here" | "gone"): Promise<readonly unknown[]> {
    try {
      const args = [this.#deps.prefix, this.self, sign, String(DEAD_MS)];
      return await session.run(SERVERS, args) as readonly unknown[];
    } catch (error) {
      this.#noteRefusal(error);
      return [];
    }
  }

  /** Resolves once there is nothing more to wait for. */
  async #ask(
    session: RedisSession,
    name: string,
    args: readonly unknown[],
    answers: Map<string, unknown>,
  ): Promise<void> {
    const id = ++this.#lastQuestion;
    const { promise: answered, resolve } = Promise.withResolvers<void>();
    const check = () => {
      const isOver = this.#session !== session || !this.#mayTalk;
      if (isOver || this.#others().every((server) => answers.has(server))) resolve();
    };
    this.#questions.set(id, { answers, check });
    try {
      await Promise.all([
        // A server may have come just now.
        this.#readServers(session),
        this.#send(this.#channelOfAll, { kind: "question", from: this.self, id, name, args }),
      ]);
      check();
      await within(this.#deps.askMs ?? ASK_MS, answered, () => {});
    } catch {
      // The session is over: nobody has answered.
    } finally {
      this.#questions.delete(id);
    }
  }

  /** Sends a message if it can. Never rejects. */
  async #send(channel: string, message: PeerMessage): Promise<void> {
    const session = this.#session;
    if (session === undefined || !this.#mayTalk) return;
    try {
      await session.publish(channel, JSON.stringify(message));
    } catch (error) {
      if (!isRefusal(error)) return; // The session is over.
      this.#mayTalk = false;
      this.#noteRefusal(error);
    }
  }

  #take(text: string): void {
    const message = parseMessage(text);
    if (message === undefined || message.from === this.self) return;
    this.#noteAlive(message.from, this.#deps.clock.steady());
    switch (message.kind) {
      case "question":
        this.#answer(message.from, message.id, message.name, message.args);
        return;
      case "answer": {
        const question = this.#questions.get(message.id);
        question?.answers.set(message.from, message.answer);
        question?.check();
        return;
      }
      case "goodbye":
        this.#gone.add(message.from);
        this.#seenAlive.delete(message.from);
        this.#checkQuestions();
        return;
      case "here":
        return;
    }
  }

  async #answer(from: string, id: number, name: string, args: readonly unknown[]): Promise<void> {
    let answer: unknown;
    try {
      // No answer, rather than a part of one, if a thread is silent.
      answer = await unlessSilent(Promise.resolve(this.#handlers.get(name)?.(args)));
    } catch (error) {
      const fields = { server: from, name, error: String(error) };
      this.#deps.logger.error("message of another server failed", fields);
    }
    this.#send(this.#channelOf(from), { kind: "answer", from: this.self, id, answer });
  }

  /** @throws what is no refusal: the session is over then. */
  #noteRefusal(error: unknown): void {
    if (!isRefusal(error)) throw error;
    const { where, logger } = this.#deps;
    const refusal = redisReasonOf(error);
    if (!isLasting(error) || this.#refusals.has(refusal)) return;
    this.#refusals.add(refusal);
    logger.error("servers cannot talk to each other", { store: where, error: refusal });
  }
}
