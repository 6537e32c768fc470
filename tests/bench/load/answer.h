#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

/** Reads one HTTP/1.1 answer as its bytes come: its status, then its body without the chunks' frames. */
typedef struct {
  enum {
    ANSWER_HEAD,
    ANSWER_CHUNK_SIZE,
    ANSWER_CHUNK,
    ANSWER_CHUNK_END,
    ANSWER_LAST_LINE,
    ANSWER_PLAIN,
    ANSWER_DONE
  } state;
  /** The bytes of the head so far; freed once they are understood. */
  char *head;
  size_t head_length;
  int status;
  /** Whether the server closes the connection behind this answer. */
  bool closes;
  /** Bytes that the chunk, or the body, still has. */
  size_t remaining;
} Answer;

/** Makes ready for an answer; also for the next one on the same connection. */
void answer_begin(Answer *answer);

/**
 * The next span of the body within `*at` .. `end`, and its length; NULL where there is no more of it.
 * Moves `*at` past what it has understood. A malformed answer ends the program.
 */
const char *answer_body(Answer *answer, const char **at, const char *end, size_t *length);

/** The connection was closed: answers whether that is how this answer was to end. */
bool answer_ends_by_close(const Answer *answer);

#endif
