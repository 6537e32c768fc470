import { isAmong } from "./subscription.ts";

/** Channels that may be heard. */
export interface ChannelGrants {
  /** Channels by name. */
  readonly channels: readonly string[];
  /** Beginnings of names: each stands for every channel that begins with it. */
  readonly patterns: readonly string[];
}

/** Whether a name in a list of grants is a pattern: it ends in `*`. `*` alone grants every channel. */
export function isPattern(name: string): boolean {
  return name.endsWith("*");
}

/** Sorts names and patterns apart; each is kept once. */
export function toGrants(names: readonly string[]): ChannelGrants {
  const distinct = [...new Set(names)];
  return {
    channels: distinct.filter((name) => !isPattern(name)),
    patterns: distinct.filter(isPattern).map((pattern) => pattern.slice(0, -1)),
  };
}

/** Whether a channel is granted, by name or by a pattern. */
export function grantsChannel({ channels, patterns }: ChannelGrants, channel: string): boolean {
  return isAmong(channels, channel) || patterns.some((start) => channel.startsWith(start));
}
