#ifndef BENCH_REQUEST_H
#define BENCH_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "options.h"

/** '~' and sixteen hexadecimal digits: the moment an event was due to be published, in nanoseconds. */
#define STAMP_LENGTH 17
#define NUMBER_LENGTH 5

/** Where in a request a stamp or a channel's number stands, and for which of its events. */
typedef struct {
  size_t at;
  int event;
} Mark;

/**
 * A publish request, whole but for stamps and numbers, which are of fixed width and written in
 * place: making one must cost far less than answering it.
 */
typedef struct {
  char *bytes;
  size_t length;
  Mark *stamps;
  int stamp_count;
  Mark *numbers;
  int number_count;
} Request;

Request request_prepare(const Options *options);

/** Writes stamps that count up from `first_stamp`, and channel numbers from `first_channel`. */
void request_fill(Request *request, uint64_t first_stamp, const int *channels);

#endif
