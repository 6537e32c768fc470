#define _GNU_SOURCE
#include "publishers.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "clock.h"
#include "dial.h"
#include "request.h"

/** A request that is not answered by then has failed. */
#define ANSWER_SECONDS 30

/** One keep-alive connection and the request it has under way. */
typedef struct {
  int fd;
  Request request;
  bool busy;
  size_t sent;
  Answer answer;
  /** The body of an NDJSON answer: one line for each of the request's. */
  char *lines;
  size_t lines_length;
  size_t lines_room;
  /** The channels that it alone publishes to, so that their events keep their order. */
  int first_channel;
  int channel_count;
  int next_channel;
} Publisher;

/** What the thread knows of its progress. */
typedef struct {
  Publishing *shared;
  Publisher each[MAX_PUBLISHERS];
  int count;
  long started;
  uint64_t last_stamp;
  int64_t last_answer_ns;
} Run;

static void connect_publisher(Publisher *publisher, const Options *options) {
  publisher->fd = dial(options->publish_at);
  if (publisher->fd < 0) {
    fprintf(stderr, "load: cannot connect to %s to publish\n", options->publish_at);
    exit(1);
  }
}

/** The connection is of no use any more; the events of its request count as failed. */
static void fail_request(Run *run, Publisher *publisher) {
  const Options *options = run->shared->options;
  atomic_fetch_add(&run->shared->failed, options->lines);
  close(publisher->fd);
  publisher->busy = false;
  connect_publisher(publisher, options);
}

static void send_more(Run *run, Publisher *publisher) {
  const Request *request = &publisher->request;
  ssize_t length = write(publisher->fd, request->bytes + publisher->sent,
                         request->length - publisher->sent);
  if (length > 0) publisher->sent += (size_t)length;
  else if (errno != EAGAIN && errno != EINTR) fail_request(run, publisher);
}

/** When the event is due to be published: its latency counts from there, or from when it is sent. */
static int64_t due_ns(const Run *run) {
  const Options *options = run->shared->options;
  if (options->rate <= 0) return 0;
  return run->shared->begin_ns + (int64_t)((double)run->started / options->rate * 1e9);
}

static void start_request(Run *run, Publisher *publisher) {
  const Options *options = run->shared->options;
  // A server that is late with an answer delays the events after it: that delay is its own, and
  // counts. A load generator that wakes up late does not.
  int64_t due = due_ns(run);
  int64_t from = due > 0 && run->last_answer_ns > due ? due : now_ns();
  uint64_t stamp = (uint64_t)from > run->last_stamp ? (uint64_t)from : run->last_stamp + 1;
  run->last_stamp = stamp + (uint64_t)options->lines - 1;

  int channels[options->lines];
  for (int line = 0; line < options->lines && publisher->channel_count > 0; line++) {
    channels[line] = publisher->first_channel + publisher->next_channel;
    publisher->next_channel = (publisher->next_channel + 1) % publisher->channel_count;
  }
  request_fill(&publisher->request, stamp, channels);
  run->started += options->lines;
  publisher->busy = true;
  publisher->sent = 0;
  publisher->lines_length = 0;
  answer_begin(&publisher->answer);
  send_more(run, publisher);
}

static void keep_lines(Publisher *publisher, const char *span, size_t length) {
  size_t needed = publisher->lines_length + length + 1;
  if (needed > publisher->lines_room) {
    publisher->lines_room = needed * 2;
    publisher->lines = realloc(publisher->lines, publisher->lines_room);
  }
  memcpy(publisher->lines + publisher->lines_length, span, length);
  publisher->lines_length += length;
  publisher->lines[publisher->lines_length] = 0;
}

/** Counts the events that the answer says were published. */
static void count_answer(Run *run, Publisher *publisher) {
  const Options *options = run->shared->options;
  long good = publisher->answer.status / 100 == 2 ? options->lines : 0;
  if (good > 0 && options->lines > 1) {
    good = 0;
    for (char *line = publisher->lines; (line = strstr(line, "\"id\"")) != NULL; line++) good++;
  }
  if (good < options->lines && atomic_load(&run->shared->failed) == 0) {
    fprintf(stderr, "load: a publish request was answered %d %.200s\n", publisher->answer.status,
            options->lines > 1 && publisher->lines != NULL ? publisher->lines : "");
  }
  atomic_fetch_add(&run->shared->published, good);
  atomic_fetch_add(&run->shared->failed, options->lines - good);
}

static void read_answer(Run *run, Publisher *publisher) {
  static char bytes[262144];
  ssize_t length = read(publisher->fd, bytes, sizeof bytes);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0 && !answer_ends_by_close(&publisher->answer)) {
    return fail_request(run, publisher);
  }
  const char *at = bytes, *span;
  size_t span_length;
  while ((span = answer_body(&publisher->answer, &at, bytes + length, &span_length)) != NULL) {
    if (run->shared->options->lines > 1) keep_lines(publisher, span, span_length);
  }
  if (length > 0 && publisher->answer.state != ANSWER_DONE) return;
  count_answer(run, publisher);
  publisher->busy = false;
  if (length <= 0 || publisher->answer.closes) {
    close(publisher->fd);
    connect_publisher(publisher, run->shared->options);
  }
  run->last_answer_ns = now_ns();
  atomic_store(&run->shared->end_ns, run->last_answer_ns);
}

/** Starts what is due; answers how long nothing else will be, in nanoseconds. */
static int64_t start_due(Run *run, int64_t stop_at) {
  const Options *options = run->shared->options;
  for (int i = 0; i < run->count; i++) {
    if (run->each[i].busy) continue;
    int64_t now = now_ns();
    if (now >= stop_at || run->started >= options->max_events) break;
    int64_t wait = due_ns(run) - now;
    if (wait > 0) return wait;
    start_request(run, &run->each[i]);
  }
  return NS_PER_SECOND / 10;
}

static void take_answers(Run *run, int64_t wait_ns) {
  struct pollfd fds[MAX_PUBLISHERS];
  for (int i = 0; i < run->count; i++) {
    Publisher *publisher = &run->each[i];
    short sending = publisher->busy && publisher->sent < publisher->request.length ? POLLOUT : 0;
    fds[i] = (struct pollfd){publisher->busy ? publisher->fd : -1, POLLIN | sending, 0};
  }
  struct timespec wait = {wait_ns / NS_PER_SECOND, wait_ns % NS_PER_SECOND};
  if (ppoll(fds, (nfds_t)run->count, &wait, NULL) <= 0) return;
  for (int i = 0; i < run->count; i++) {
    if (fds[i].revents & POLLOUT) send_more(run, &run->each[i]);
    if (fds[i].revents & (POLLIN | POLLHUP | POLLERR)) read_answer(run, &run->each[i]);
  }
}

static bool any_busy(const Run *run) {
  for (int i = 0; i < run->count; i++) {
    if (run->each[i].busy) return true;
  }
  return false;
}

static void *publish(void *argument) {
  Publishing *shared = argument;
  const Options *options = shared->options;
  Run *run = calloc(1, sizeof *run);
  run->shared = shared;
  run->count = options->publishers;
  for (int i = 0; i < run->count; i++) {
    Publisher *publisher = &run->each[i];
    publisher->request = request_prepare(options);
    publisher->channel_count = options->channels / run->count;
    publisher->first_channel = i * publisher->channel_count;
    connect_publisher(publisher, options);
  }
  shared->begin_ns = now_ns();
  int64_t stop_at = shared->begin_ns + (int64_t)(options->seconds * 1e9);
  int64_t give_up_at = stop_at + ANSWER_SECONDS * NS_PER_SECOND;
  while (now_ns() < give_up_at) {
    int64_t wait = start_due(run, stop_at);
    bool over = now_ns() >= stop_at || run->started >= options->max_events;
    if (over && !any_busy(run)) break;
    take_answers(run, wait);
  }
  for (int i = 0; i < run->count; i++) {
    if (run->each[i].busy) atomic_fetch_add(&shared->failed, options->lines);
  }
  atomic_store(&shared->done, true);
  return NULL;
}

void publishing_start(Publishing *publishing, const Options *options) {
  publishing->options = options;
  publishing->begin_ns = now_ns();
  pthread_t thread;
  if (pthread_create(&thread, NULL, publish, publishing) != 0) {
    perror("load: pthread_create");
    exit(1);
  }
  pthread_detach(thread);
}
