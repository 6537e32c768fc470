#ifndef BENCH_SUBSCRIBERS_H
#define BENCH_SUBSCRIBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "latency.h"
#include "options.h"

/** One open stream. */
typedef struct {
  int fd;
  Answer answer;
  /** Digits of a stamp read so far, counted from its '~'; 0 outside of a stamp. */
  int stamp_read;
  uint64_t stamp;
  /** The stamp before: every stamp of a stream is larger, or an event was repeated or overtaken. */
  uint64_t last_stamp;
} Subscriber;

/** All of them, and what they have heard. */
typedef struct {
  Subscriber *each;
  int count;
  int epoll;
  /** Streams answered with 200. */
  int open;
  /** Connections that failed, and answers of any other status. */
  int refused;
  /** Streams that ended after they were open. */
  int closed;
  int64_t delivered;
  int64_t misordered;
  int64_t last_delivery_ns;
  Latency latency;
} Subscribers;

/**
 * Connects all of them, no faster than the options' window allows, and waits for their answers, unless
 * these come with events only.
 */
void subscribers_connect(Subscribers *subscribers, const Options *options);

/** Whether all of them are connected, or have failed to. */
bool subscribers_connected(const Subscribers *subscribers);

/** Forgets what they have heard so far. */
void subscribers_begin_counting(Subscribers *subscribers);

/** Takes what has come, or waits for it up to `wait_ms`; answers whether anything came. */
bool subscribers_listen(Subscribers *subscribers, int wait_ms);

#endif
