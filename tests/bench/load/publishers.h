#ifndef BENCH_PUBLISHERS_H
#define BENCH_PUBLISHERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "options.h"

/** Publishing under way; what its thread writes, others read. */
typedef struct {
  const Options *options;
  int64_t begin_ns;
  /** When the last request was answered. */
  _Atomic int64_t end_ns;
  /** Events whose request was answered with success. */
  _Atomic long published;
  /** Requests, or NDJSON lines, answered with anything else or not at all. */
  _Atomic long failed;
  atomic_bool done;
} Publishing;

/** Starts publishing in a thread of its own, so that its answers wait for no subscriber's bytes. */
void publishing_start(Publishing *publishing, const Options *options);

#endif
