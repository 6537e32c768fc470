/**
 * The assertions that tests use, in one place: to change the library behind them is to change this file.
 *
 * @module
 */
import nodeAssert from "node:assert/strict";

/**
 * Checks that a value is truthy, and narrows its type.
 *
 * @throws {Error} with `message` if it is not.
 */
export function assert(value: unknown, message?: string): asserts value {
  nodeAssert.ok(value, message);
}

/**
 * Checks that two values are deeply and strictly equal.
 *
 * @throws {Error} with both values, if they differ.
 */
export function assertEquals<T>(
  actual: T,
  expected: T,
  message?: string,
): void {
  nodeAssert.deepEqual(actual, expected, message);
}

/**
 * Checks that two values are not deeply equal.
 *
 * @throws {Error} if they are.
 */
export function assertNotEquals(
  actual: unknown,
  unexpected: unknown,
  message?: string,
): void {
  nodeAssert.notDeepEqual(actual, unexpected, message);
}

/**
 * Checks that a text matches a pattern.
 *
 * @throws {Error} with both, if it does not.
 */
export function assertMatch(
  actual: string,
  expected: RegExp,
  message?: string,
): void {
  nodeAssert.match(actual, expected, message);
}

/**
 * Checks that a text does not match a pattern.
 *
 * @throws {Error} with both, if it does.
 */
export function assertNotMatch(
  actual: string,
  unexpected: RegExp,
  message?: string,
): void {
  nodeAssert.doesNotMatch(actual, unexpected, message);
}

/**
 * Checks that a text contains another.
 *
 * @throws {Error} with both, if it does not.
 */
export function assertIncludes(
  actual: string,
  expected: string,
  message?: string,
): void {
  nodeAssert.ok(
    actual.includes(expected),
    message ??
      `expected to find ${JSON.stringify(expected)} in ${JSON.stringify(actual)}`,
  );
}

/**
 * Checks that a function throws an error whose message matches.
 *
 * @throws {Error} if it does not throw, or throws something else.
 */
export function assertThrows(
  action: () => unknown,
  expectedMessage: RegExp,
): void {
  nodeAssert.throws(action, { message: expectedMessage });
}

/**
 * Checks that a promise rejects with an error whose message matches.
 *
 * @throws {Error} if it resolves, or rejects with something else.
 */
export async function assertRejects(
  action: () => Promise<unknown>,
  expectedMessage: RegExp,
): Promise<void> {
  await nodeAssert.rejects(action, { message: expectedMessage });
}
