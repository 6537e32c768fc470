/**
 * The benchmark's load generator: opens streams to one server, publishes through its HTTP endpoint,
 * and prints what came of it as one JSON object.
 *
 * Subscribers and publishers are one process with one clock, so that the time from a publish to each
 * delivery can be told. It grew from shared/tools/sseload.c.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "options.h"
#include "publishers.h"
#include "server.h"
#include "subscribers.h"

/** Reading the memory of every process more often would itself be load. */
#define PEAK_EVERY_NS (100 * NS_PER_MS)

/** Used more than this of its cores, the load generator may be what is measured. */
#define SATURATED 0.9

/** How long subscribers are waited for that are answered with events only, and how often one is published. */
#define OPEN_SECONDS 60
#define OPEN_EVERY_MS 100

typedef struct {
  double connect_seconds;
  double connect_cpu_seconds;
  long rss_before_kb;
  long rss_after_kb;
  long rss_peak_kb;
  double server_cpu_seconds;
  double server_main_cpu_seconds;
  /** From the first publish to the last delivery, or to the last answer where nobody listens. */
  double seconds;
  double own_cpu;
} Measured;

static void raise_file_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/** The cores that this process may run on. */
static int own_cores(void) {
  cpu_set_t cores;
  return sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
}

static void listen_for(Subscribers *subscribers, int64_t ns) {
  int64_t until = now_ns() + ns;
  while (now_ns() < until) subscribers_listen(subscribers, 10);
}

/** Publishes an event to each channel, now and then, until every subscriber has been answered. */
static void open_by_events(Subscribers *subscribers, const Options *options) {
  Options one = *options;
  one.publishers = one.lines = 1;
  one.rate = 0;
  one.seconds = OPEN_SECONDS;
  one.max_events = options->channels > 0 ? options->channels : 1;
  int64_t give_up_at = now_ns() + OPEN_SECONDS * NS_PER_SECOND;
  while (!subscribers_connected(subscribers) && now_ns() < give_up_at) {
    static Publishing publishing;
    atomic_store(&publishing.done, false);
    publishing_start(&publishing, &one);
    while (!atomic_load(&publishing.done)) subscribers_listen(subscribers, 10);
    // A server may take a subscriber in only some time after it has read the request.
    listen_for(subscribers, OPEN_EVERY_MS * NS_PER_MS);
  }
}

static void connect_all(Subscribers *subscribers, const Options *options, Measured *measured) {
  measured->rss_before_kb = server_rss_kb(&options->server);
  double cpu = server_cpu_seconds(&options->server);
  int64_t begin = now_ns();
  subscribers_connect(subscribers, options);
  if (options->answers_with_events) open_by_events(subscribers, options);
  measured->connect_seconds = (double)(now_ns() - begin) / 1e9;
  listen_for(subscribers, options->settle_ms * NS_PER_MS);
  subscribers_begin_counting(subscribers);
  measured->connect_cpu_seconds = server_cpu_seconds(&options->server) - cpu;
  measured->rss_after_kb = measured->rss_peak_kb = server_rss_kb(&options->server);
}

/** How many deliveries there must be in the end. */
static int64_t wanted(const Publishing *publishing, const Options *options) {
  int64_t hearers = options->channels > 0 ? options->subscribers / options->channels
                                          : options->subscribers;
  return atomic_load(&publishing->published) * hearers;
}

/** Listens until everything has arrived, or for the options' time after the last publish. */
static void listen_to_end(Subscribers *subscribers, const Publishing *publishing,
                          const Options *options, Measured *measured) {
  int64_t drain_ns = (int64_t)(options->drain_seconds * 1e9);
  int64_t next_peak = 0;
  while (true) {
    subscribers_listen(subscribers, 20);
    int64_t now = now_ns();
    if (now >= next_peak) {
      long rss = server_rss_kb(&options->server);
      if (rss > measured->rss_peak_kb) measured->rss_peak_kb = rss;
      next_peak = now + PEAK_EVERY_NS;
    }
    if (!atomic_load(&publishing->done)) continue;
    if (subscribers->delivered >= wanted(publishing, options)) break;
    if (now > atomic_load(&publishing->end_ns) + drain_ns) break;
  }
}

static void publish_all(Subscribers *subscribers, Publishing *publishing, const Options *options,
                        Measured *measured) {
  double cpu = server_cpu_seconds(&options->server);
  double main_cpu = server_main_cpu_seconds(&options->server);
  int64_t own_cpu = own_cpu_ns();
  int64_t begin = now_ns();
  publishing_start(publishing, options);
  listen_to_end(subscribers, publishing, options, measured);
  measured->own_cpu = (double)(own_cpu_ns() - own_cpu) / (double)(now_ns() - begin) / own_cores();
  measured->server_cpu_seconds = server_cpu_seconds(&options->server) - cpu;
  measured->server_main_cpu_seconds = server_main_cpu_seconds(&options->server) - main_cpu;
  int64_t end = subscribers->delivered > 0 ? subscribers->last_delivery_ns
                                           : atomic_load(&publishing->end_ns);
  measured->seconds = (double)(end - publishing->begin_ns) / 1e9;
}

static void report(const Subscribers *subscribers, const Publishing *publishing,
                   const Options *options, const Measured *measured) {
  const Latency *latency = &subscribers->latency;
  printf("{\"subscribers\":%d,\"open\":%d,\"refused\":%d,\"closed\":%d,", subscribers->count,
         subscribers->open, subscribers->refused, subscribers->closed);
  printf("\"connectSeconds\":%.4f,\"connectCpuSeconds\":%.2f,", measured->connect_seconds,
         measured->connect_cpu_seconds);
  printf("\"rssBeforeKb\":%ld,\"rssAfterKb\":%ld,\"rssPeakKb\":%ld,", measured->rss_before_kb,
         measured->rss_after_kb, measured->rss_peak_kb);
  printf("\"published\":%ld,\"publishFailures\":%ld,", atomic_load(&publishing->published),
         atomic_load(&publishing->failed));
  printf("\"wanted\":%lld,\"delivered\":%lld,\"misordered\":%lld,",
         (long long)(publishing->options == NULL ? 0 : wanted(publishing, options)),
         (long long)subscribers->delivered, (long long)subscribers->misordered);
  printf("\"seconds\":%.4f,\"serverCpuSeconds\":%.2f,\"serverMainCpuSeconds\":%.2f,",
         measured->seconds, measured->server_cpu_seconds, measured->server_main_cpu_seconds);
  printf("\"p50Us\":%llu,\"p99Us\":%llu,\"maxUs\":%llu,",
         (unsigned long long)latency_us_at(latency, 0.5),
         (unsigned long long)latency_us_at(latency, 0.99),
         (unsigned long long)latency->longest_us);
  printf("\"ownCpu\":%.3f,\"ownCpuSeconds\":%.3f,\"saturated\":%s,\"serverAlive\":%s}\n",
         measured->own_cpu, (double)own_cpu_ns() / 1e9,
         measured->own_cpu > SATURATED ? "true" : "false",
         server_alive(&options->server) ? "true" : "false");
}

int main(int count, char **words) {
  Options options = read_options(count, words);
  signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  static Subscribers subscribers;
  static Publishing publishing;
  Measured measured = {0};
  connect_all(&subscribers, &options, &measured);
  if (options.publishers > 0) publish_all(&subscribers, &publishing, &options, &measured);
  report(&subscribers, &publishing, &options, &measured);
  return 0;
}
