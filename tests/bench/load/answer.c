#define _GNU_SOURCE
#include "answer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_HEAD 4096

static void fail(const Answer *answer, const char *what) {
  fprintf(stderr, "load: %s: %.200s\n", what, answer->head == NULL ? "" : answer->head);
  exit(1);
}

void answer_begin(Answer *answer) {
  answer->state = ANSWER_HEAD;
  answer->head_length = 0;
  answer->status = 0;
  answer->closes = false;
  answer->remaining = 0;
}

/** The value of a header, or NULL; the head is short, so that looking through it all is cheap. */
static const char *header(const Answer *answer, const char *name) {
  size_t length = strlen(name);
  for (const char *line = strchr(answer->head, '\n'); line != NULL; line = strchr(line, '\n')) {
    line++;
    if (strncasecmp(line, name, length) == 0 && line[length] == ':') return line + length + 1;
  }
  return NULL;
}

static void understand_head(Answer *answer) {
  if (strncmp(answer->head, "HTTP/1.", 7) != 0) fail(answer, "this is no HTTP answer");
  answer->status = atoi(answer->head + 9);
  const char *encoding = header(answer, "transfer-encoding");
  const char *length = header(answer, "content-length");
  const char *connection = header(answer, "connection");
  answer->closes = strncmp(answer->head, "HTTP/1.0", 8) == 0 ||
                   (connection != NULL && strncasecmp(connection, " close", 6) == 0);
  if (encoding != NULL && strcasestr(encoding, "chunked") != NULL) {
    answer->state = ANSWER_CHUNK_SIZE;
  } else {
    answer->remaining = length != NULL ? strtoull(length, NULL, 10) : SIZE_MAX;
    answer->state = answer->remaining > 0 ? ANSWER_PLAIN : ANSWER_DONE;
  }
  free(answer->head);
  answer->head = NULL;
}

/** Takes bytes up to the blank line that ends the head. */
static const char *take_head(Answer *answer, const char *at, const char *end) {
  if (answer->head == NULL) answer->head = malloc(MAX_HEAD + 1);
  while (at < end) {
    if (answer->head_length == MAX_HEAD) fail(answer, "the answer's head is too long");
    answer->head[answer->head_length++] = *at++;
    answer->head[answer->head_length] = 0;
    if (at[-1] != '\n' || answer->head_length < 4) continue;
    if (strcmp(answer->head + answer->head_length - 4, "\r\n\r\n") != 0) continue;
    understand_head(answer);
    break;
  }
  return at;
}

static int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  digit |= 32;
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static const char *take_chunk_size(Answer *answer, const char *at, const char *end) {
  while (at < end) {
    char digit = *at++;
    if (digit == '\n') {
      answer->state = answer->remaining > 0 ? ANSWER_CHUNK : ANSWER_LAST_LINE;
      return at;
    }
    int value = hex_value(digit);
    if (value >= 0) answer->remaining = answer->remaining * 16 + (size_t)value;
  }
  return at;
}

/** Takes the line end behind a chunk, or behind the last one. */
static const char *take_line_end(Answer *answer, const char *at, const char *end) {
  const char *line_end = memchr(at, '\n', (size_t)(end - at));
  if (line_end == NULL) return end;
  answer->state = answer->state == ANSWER_LAST_LINE ? ANSWER_DONE : ANSWER_CHUNK_SIZE;
  answer->remaining = 0;
  return line_end + 1;
}

const char *answer_body(Answer *answer, const char **at, const char *end, size_t *length) {
  while (*at < end) {
    switch (answer->state) {
      case ANSWER_HEAD:
        *at = take_head(answer, *at, end);
        break;
      case ANSWER_CHUNK_SIZE:
        *at = take_chunk_size(answer, *at, end);
        break;
      case ANSWER_CHUNK_END:
      case ANSWER_LAST_LINE:
        *at = take_line_end(answer, *at, end);
        break;
      case ANSWER_CHUNK:
      case ANSWER_PLAIN: {
        const char *span = *at;
        size_t here = (size_t)(end - span);
        *length = here < answer->remaining ? here : answer->remaining;
        answer->remaining -= *length;
        *at += *length;
        if (answer->remaining == 0) {
          answer->state = answer->state == ANSWER_CHUNK ? ANSWER_CHUNK_END : ANSWER_DONE;
        }
        return span;
      }
      case ANSWER_DONE:
        return NULL;
    }
  }
  return NULL;
}

bool answer_ends_by_close(const Answer *answer) {
  // Without a length the body ends where the connection does.
  return answer->state == ANSWER_PLAIN && answer->remaining > SIZE_MAX / 2;
}
