import { BadField, UnknownField } from "../lib/errors.ts";
import { shown } from "../lib/shown_text.ts";
import { type Fields, required } from "./fields.ts";

/** What every file system takes for a name, and no shell or browser for more than that. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/;

/**
 * Reads the name of the file to write a backup into.
 *
 * @throws BadField naming the field that is missing, wrong or unknown.
 */
export function readBackupRequest(fields: Fields): string {
  const file = required(fields, "file", "the name of the new file in the folder of -backup-dir");
  for (const name of fields.names()) {
    if (name !== "file") {
      throw new UnknownField(
        name,
        `Bad field ${shown(name)}: a backup takes the field file alone.`,
      );
    }
  }
  if (FILE_NAME.test(file)) return file;
  throw new BadField(
    "file",
    "Bad field file: it must be the plain name of a file, of up to 200 letters, digits, dots, hyphens and " +
      "underscores, a letter, digit or underscore first.",
  );
}
