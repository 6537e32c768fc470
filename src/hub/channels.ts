import { Channel } from "./channel.ts";
import type { Subscriber } from "./subscriber.ts";
import { hasManyChannels, SubscriberGroup } from "./subscriber_group.ts";

/** The channels that have subscribers, by name. */
export class Channels {
  readonly #channels = new Map<string, Channel>();
  /** Groups by `channelsKey`, then by user. */
  readonly #groups = new Map<string, Map<string, SubscriberGroup>>();

  /** `undefined` for a channel without subscribers. */
  get(name: string): Channel | undefined {
    return this.#channels.get(name);
  }

  /** All channels by name. */
  entries(): Iterable<readonly [string, Channel]> {
    return this.#channels;
  }

  /** Names of channels that a user hears, among the first `most` channels and the first `most` lists of many. */
  *ofUser(user: string, most: number): Generator<string, void> {
    let left = most;
    for (const [name, channel] of this.#channels) {
      if (left-- === 0) break;
      if (channel.hasUser(user)) yield name;
    }
    left = most;
    for (const users of this.#groups.values()) {
      if (left-- === 0) break;
      yield* users.get(user)?.channels ?? [];
    }
  }

  /**
   * Counts the subscribers of each channel, in steps of which each takes little time. To go through the sizes of
   * channels would look at each group as often as it has channels.
   */
  *countInto(counts: Map<string, number>): Generator<void, void> {
    // Copies: channels that come and go meanwhile would be counted twice.
    for (const name of [...this.#channels.keys()]) {
      const size = this.#channels.get(name)?.ungroupedSize ?? 0;
      if (size > 0) counts.set(name, size);
      yield;
    }
    for (const users of [...this.#groups.values()]) {
      const groups = [...users.values()];
      const streams = groups.reduce((sum, { subscribers }) => sum + subscribers.size, 0);
      for (const name of groups[0]?.channels ?? []) {
        counts.set(name, (counts.get(name) ?? 0) + streams);
        yield;
      }
    }
  }

  add(subscriber: Subscriber): void {
    if (!hasManyChannels(subscriber)) {
      for (const name of subscriber.claims.channels) this.#channel(name).add(subscriber);
      return;
    }
    const group = this.#groupOf(subscriber);
    group.subscribers.add(subscriber);
    if (group.subscribers.size > 1) return;
    for (const name of group.channels) this.#channel(name).addGroup(group);
  }

  remove(subscriber: Subscriber): void {
    if (!hasManyChannels(subscriber)) {
      this.#removeFrom(subscriber.claims.channels, (channel) => channel.remove(subscriber));
      return;
    }
    const group = this.#groupOf(subscriber);
    group.subscribers.delete(subscriber);
    if (group.subscribers.size > 0) return;
    this.#forget(group);
    this.#removeFrom(group.channels, (channel) => channel.removeGroup(group));
  }

  #channel(name: string): Channel {
    let channel = this.#channels.get(name);
    if (channel === undefined) this.#channels.set(name, channel = new Channel());
    return channel;
  }

  #removeFrom(names: readonly string[], remove: (channel: Channel) => void): void {
    for (const name of names) {
      const channel = this.#channels.get(name);
      if (channel === undefined) continue;
      remove(channel);
      if (channel.isEmpty) this.#channels.delete(name);
    }
  }

  #groupOf(subscriber: Subscriber): SubscriberGroup {
    const { channelsKey, claims } = subscriber;
    let users = this.#groups.get(channelsKey);
    if (users === undefined) this.#groups.set(channelsKey, users = new Map());
    let group = users.get(claims.user);
    if (group === undefined) users.set(claims.user, group = new SubscriberGroup(subscriber));
    return group;
  }

  #forget({ channelsKey, user }: SubscriberGroup): void {
    const users = this.#groups.get(channelsKey);
    users?.delete(user);
    if (users?.size === 0) this.#groups.delete(channelsKey);
  }
}
