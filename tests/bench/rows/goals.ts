import { type Goal, THIS } from "./row.ts";

/** A limit for one of this server's figures. */
export function limit(
  text: string,
  key: string,
  holds: (value: number) => boolean,
  label = THIS,
): Goal {
  return {
    text,
    holds: (medians) => {
      const value = medians(label, key);
      return value === undefined ? undefined : holds(value);
    },
  };
}

/** A comparison of one of this server's figures with a peer's. */
export function comparison(
  text: string,
  key: string,
  peer: string,
  holds: (own: number, peers: number) => boolean,
  label = THIS,
): Goal {
  return {
    text,
    holds: (medians) => {
      const own = medians(label, key);
      const peers = medians(peer, key);
      return own === undefined || peers === undefined ? undefined : holds(own, peers);
    },
  };
}
