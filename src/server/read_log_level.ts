import type { Config } from "../config/config.ts";
import { StartError } from "../lib/errors.ts";
import { isLogLevel, LOG_LEVEL_RULE, type LogLevel } from "../observability/log_line.ts";
import { readTextFile } from "./text_file.ts";

/**
 * The log level: that of the file of `-log-level-file`, or else that of `-log-level`.
 *
 * @throws StartError if the file cannot be read, or holds no level.
 */
export function readLogLevel({ logLevel, logLevelFile: file }: Config): LogLevel {
  if (file === undefined) return logLevel;
  const content = readTextFile("log level file", file).trim();
  if (isLogLevel(content)) return content;
  // Not quoted: it may be a file of secrets that was given by mistake.
  throw new StartError(`Cannot use the log level file ${file}: it must hold ${LOG_LEVEL_RULE}.`);
}
