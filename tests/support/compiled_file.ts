/**
 * What `deno compile` wrote into an executable, read from the file without running it. The layout is that of
 * the Deno version which this project pins; nothing promises it to stay.
 *
 * @module
 */

/** What an executable holds besides its base. */
export interface CompiledFile {
  /** What is granted to the program: `[]` is everything of its kind, `null` nothing. */
  readonly permissions: Readonly<Record<string, unknown>>;
  /** From which level on the runtime writes lines of its own; `null` for its default. */
  readonly runtimeLogLevel: string | null;
  /** The paths of all embedded files. */
  readonly files: readonly string[];
}

interface Metadata {
  readonly log_level: string | null;
  readonly permissions: Readonly<Record<string, unknown>>;
}

interface Folder {
  readonly n: string;
  readonly e: readonly Entry[];
}

interface Entry {
  readonly Dir?: Folder;
  readonly File?: { readonly n: string };
}

const MAGIC = "d3n0l4nd";

/**
 * Reads an executable.
 *
 * @throws {Error} if it holds no embedded program where one is expected.
 */
export async function readCompiledFile(path: string): Promise<CompiledFile> {
  const bytes = await Deno.readFile(path);
  const metadata = findJson<Metadata>(bytes, `${MAGIC}`, '{"argv":');
  const tree = findJson<readonly Entry[]>(bytes, "", '[{"Dir":', metadata.end);
  const { permissions, log_level: runtimeLogLevel } = metadata.value;
  return { permissions, runtimeLogLevel, files: listFiles(tree.value) };
}

/** Finds JSON that starts in a known way behind an optional mark and its length in eight bytes. */
function findJson<T>(
  bytes: Uint8Array,
  mark: string,
  start: string,
  from = 0,
): { value: T; end: number } {
  const lengthBytes = 8;
  // The base may hold such texts too, with no length in front of them that fits.
  for (let at = indexOf(bytes, start, from); at >= 0; at = indexOf(bytes, start, at + 1)) {
    const markAt = at - lengthBytes - mark.length;
    if (markAt < 0 || indexOf(bytes, mark, markAt) !== markAt) continue;
    const length = new DataView(bytes.buffer, at - lengthBytes, lengthBytes).getBigUint64(0, true);
    if (length > BigInt(bytes.length - at)) continue;
    const end = at + Number(length);
    try {
      return { value: JSON.parse(new TextDecoder().decode(bytes.subarray(at, end))) as T, end };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  throw new Error(`the executable holds no ${start}... with its length in front`);
}

function indexOf(bytes: Uint8Array, text: string, from: number): number {
  const wanted = new TextEncoder().encode(text);
  const first = wanted[0];
  if (first === undefined) return from;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (wanted.every((byte, offset) => bytes[at + offset] === byte)) return at;
  }
  return -1;
}

function listFiles(entries: readonly Entry[], folder = ""): string[] {
  return entries.flatMap(({ Dir, File }) => {
    if (Dir !== undefined) return listFiles(Dir.e, `${folder}${Dir.n}/`);
    return File === undefined ? [] : [folder + File.n];
  });
}
