#define _GNU_SOURCE
#include "subscribers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "dial.h"

#define READ_BYTES 262144
#define READY_AT_ONCE 1024

/** A server that has not answered a subscriber by then never will. */
#define CONNECT_SECONDS 60

static const signed char HEX_VALUE[256] = {
    ['0'] = 0,  ['1'] = 1,  ['2'] = 2,  ['3'] = 3,  ['4'] = 4,  ['5'] = 5,
    ['6'] = 6,  ['7'] = 7,  ['8'] = 8,  ['9'] = 9,  ['a'] = 10, ['b'] = 11,
    ['c'] = 12, ['d'] = 13, ['e'] = 14, ['f'] = 15,
};

/** Counts the event whose stamp has been read. */
static void count_delivery(Subscribers *all, Subscriber *one, int64_t now) {
  all->delivered++;
  all->last_delivery_ns = now;
  if (one->stamp <= one->last_stamp) all->misordered++;
  one->last_stamp = one->stamp;
  latency_add(&all->latency, now - (int64_t)one->stamp);
}

/** Finds the stamps in a span of a stream; one may begin in this span and end in the next. */
static void find_stamps(Subscribers *all, Subscriber *one, const char *at, size_t length,
                        int64_t now) {
  const char *end = at + length;
  while (at < end) {
    if (one->stamp_read == 0) {
      at = memchr(at, '~', (size_t)(end - at));
      if (at == NULL) return;
      at++;
      one->stamp_read = 1;
      one->stamp = 0;
    }
    for (; at < end && one->stamp_read <= 16; one->stamp_read++) {
      one->stamp = one->stamp << 4 | (uint64_t)HEX_VALUE[(unsigned char)*at++];
    }
    if (one->stamp_read > 16) {
      one->stamp_read = 0;
      count_delivery(all, one, now);
    }
  }
}

static void drop(Subscribers *all, Subscriber *one) {
  if (one->answer.status == 200) all->closed++;
  else all->refused++;
  close(one->fd);
  one->fd = -1;
}

/** Reads once: what is left over makes the socket ready again, after all others had their turn. */
static void read_from(Subscribers *all, Subscriber *one) {
  static char bytes[READ_BYTES];
  ssize_t length = read(one->fd, bytes, sizeof bytes);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) return drop(all, one);

  bool was_open = one->answer.status == 200;
  int64_t now = now_ns();
  const char *at = bytes, *span;
  size_t span_length;
  while ((span = answer_body(&one->answer, &at, bytes + length, &span_length)) != NULL) {
    find_stamps(all, one, span, span_length, now);
  }
  if (one->answer.status != 0 && one->answer.status != 200) {
    fprintf(stderr, "load: a subscriber was answered %d\n", one->answer.status);
    return drop(all, one);
  }
  if (!was_open && one->answer.status == 200) all->open++;
}

bool subscribers_listen(Subscribers *all, int wait_ms) {
  static struct epoll_event ready[READY_AT_ONCE];
  int count = epoll_wait(all->epoll, ready, READY_AT_ONCE, wait_ms);
  for (int i = 0; i < count; i++) read_from(all, ready[i].data.ptr);
  return count > 0;
}

/** Writes a subscriber's request; %N in the path is its number. */
static size_t write_request(char *request, size_t room, const Options *options, int number,
                            const char *address, const char *token) {
  char path[512];
  const char *mark = strstr(options->subscribe_path, "%N");
  if (mark == NULL) snprintf(path, sizeof path, "%s", options->subscribe_path);
  else {
    int before = (int)(mark - options->subscribe_path);
    snprintf(path, sizeof path, "%.*s%05d%s", before, options->subscribe_path, number, mark + 2);
  }
  size_t length = (size_t)snprintf(
      request, room, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n", path, address);
  for (const char *const *header = options->subscribe_headers; *header != NULL; header++) {
    length += (size_t)snprintf(request + length, room - length, "%s\r\n", *header);
  }
  if (token != NULL) {
    length += (size_t)snprintf(request + length, room - length, "Authorization: Bearer %s\r\n",
                               token);
  }
  return length + (size_t)snprintf(request + length, room - length, "\r\n");
}

static void connect_one(Subscribers *all, Subscriber *one, const Options *options, int number,
                        const char *token) {
  char request[8192];
  const char *address = options->subscribe_at[number % options->subscribe_addresses];
  size_t length = write_request(request, sizeof request, options, number, address, token);
  answer_begin(&one->answer);
  one->fd = dial(address);
  if (one->fd < 0 || write(one->fd, request, length) != (ssize_t)length) {
    all->refused++;
    return;
  }
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
  epoll_ctl(all->epoll, EPOLL_CTL_ADD, one->fd, &event);
}

/** The next line of the token file, or NULL without one. */
static const char *next_token(FILE *file) {
  static char token[4096];
  if (file == NULL) return NULL;
  if (fgets(token, sizeof token, file) == NULL) {
    fprintf(stderr, "load: the token file is too short\n");
    exit(2);
  }
  token[strcspn(token, "\n")] = 0;
  return token;
}

bool subscribers_connected(const Subscribers *all) {
  return all->open + all->refused + all->closed >= all->count;
}

void subscribers_begin_counting(Subscribers *all) {
  all->delivered = all->misordered = 0;
  memset(&all->latency, 0, sizeof all->latency);
}

void subscribers_connect(Subscribers *all, const Options *options) {
  all->count = options->subscribers;
  all->each = calloc((size_t)all->count + 1, sizeof *all->each);
  all->epoll = epoll_create1(EPOLL_CLOEXEC);
  FILE *tokens = options->token_file == NULL ? NULL : fopen(options->token_file, "r");
  if (options->token_file != NULL && tokens == NULL) {
    perror(options->token_file);
    exit(2);
  }
  int64_t give_up_at = now_ns() + CONNECT_SECONDS * NS_PER_SECOND;
  int started = 0;
  while (!subscribers_connected(all) && now_ns() < give_up_at) {
    if (options->answers_with_events && started == all->count) break;
    int waiting = options->answers_with_events
                      ? 0
                      : started - all->open - all->refused - all->closed;
    if (started < all->count && waiting < options->connect_window) {
      connect_one(all, &all->each[started], options, started, next_token(tokens));
      started++;
      // Answers are looked at now and then only, so that connecting is as fast as can be.
      if (started % 64 != 0) continue;
    }
    subscribers_listen(all, waiting < options->connect_window && started < all->count ? 0 : 100);
  }
  if (tokens != NULL) fclose(tokens);
}
