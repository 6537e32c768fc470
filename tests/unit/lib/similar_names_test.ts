import { isSimilar } from "../../../src/lib/similar_names.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("names are similar if one may have been typed for the other", () => {
  const similar = [
    ["chat", "Chat"], // case
    ["chat", "chats"], // one more
    ["chat", "hat"], // one missing
    ["chat", "chet"], // one wrong
    ["chat", "chta"], // two swapped
    ["evnet", "event"],
    ["user_id", "userId"],
    ["chat-room", "chatroom"],
    ["Straße", "straße"],
  ];
  for (const [one = "", other = ""] of similar) {
    assertEquals([isSimilar(one, other), isSimilar(other, one)], [true, true], `${one} ${other}`);
  }
});

Deno.test("names are not similar if they differ more, are short, or differ in their numbers", () => {
  const different = [
    ["chat", "news"],
    ["chat", "char-s"],
    ["chat", "tach"],
    ["chat", "chatter"],
    ["ab", "ac"],
    ["", "a"],
    ["order.42", "order.43"],
    ["order.4", "order.42"],
    ["a1b", "ab1"],
    ["abcd", "badc"],
    ["a".repeat(65), "a".repeat(64)],
  ];
  for (const [one = "", other = ""] of different) {
    assertEquals([isSimilar(one, other), isSimilar(other, one)], [false, false], `${one} ${other}`);
  }
});
