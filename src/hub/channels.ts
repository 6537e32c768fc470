import { Channel } from "./channel.ts";
import type { Subscriber } from "./subscriber.ts";
import { SubscriberGroup } from "./subscriber_group.ts";

/** The channels that have subscribers, by name. */
export class Channels {
  readonly #channels = new Map<string, Channel>();
  /** Groups by `channelsKey`, then by user. */
  readonly #groups = new Map<string, Map<string, SubscriberGroup>>();

  /** `undefined` for a channel without subscribers. */
  get(name: string): Channel | undefined {
    return this.#channels.get(name);
  }

  add(subscriber: Subscriber): void {
    const group = this.#groupOf(subscriber);
    group.subscribers.add(subscriber);
    if (group.subscribers.size === 1) this.#addGroup(group);
    else this.#count(group, 1);
  }

  remove(subscriber: Subscriber): void {
    const { channelsKey, claims } = subscriber;
    const group = this.#groups.get(channelsKey)?.get(claims.user);
    if (group === undefined || !group.subscribers.has(subscriber)) return;
    if (group.subscribers.size === 1) this.#removeGroup(group);
    else this.#count(group, -1);
    group.subscribers.delete(subscriber);
  }

  #groupOf({ channelsKey, claims }: Subscriber): SubscriberGroup {
    let users = this.#groups.get(channelsKey);
    if (users === undefined) this.#groups.set(channelsKey, users = new Map());
    let group = users.get(claims.user);
    if (group === undefined) users.set(claims.user, group = new SubscriberGroup(claims));
    return group;
  }

  #addGroup(group: SubscriberGroup): void {
    for (const name of group.channels) {
      let channel = this.#channels.get(name);
      if (channel === undefined) this.#channels.set(name, channel = new Channel());
      channel.add(group);
    }
  }

  #removeGroup(group: SubscriberGroup): void {
    const users = this.#groups.get(group.channelsKey);
    users?.delete(group.user);
    if (users?.size === 0) this.#groups.delete(group.channelsKey);
    for (const name of group.channels) {
      const channel = this.#channels.get(name);
      channel?.remove(group);
      if (channel?.isEmpty) this.#channels.delete(name);
    }
  }

  #count(group: SubscriberGroup, difference: number): void {
    if (group.hasManyChannels) return;
    for (const name of group.channels) this.#channels.get(name)?.count(difference);
  }
}
