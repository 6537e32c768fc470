#define _GNU_SOURCE
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "usage: load [option]...\n"
    "  --subscribers N        streams to open first\n"
    "  --subscribe-at H:P     where; H is an IPv4 address; repeatable, then they take turns\n"
    "  --subscribe-path PATH  %N stands for the subscriber's number, five digits\n"
    "  --subscribe-header H   'Name: value', sent by every subscriber; repeatable\n"
    "  --token-file FILE      a line for each subscriber, sent as Authorization: Bearer\n"
    "  --connect-window N     connections that may wait for their answer at once\n"
    "  --answers-with-events  a stream is answered only with its first event: events are published until\n"
    "                         all are open, and not counted\n"
    "  --settle-ms MS         wait so long after the last is connected\n"
    "  --publishers N         keep-alive connections; each awaits its answer before its next request\n"
    "  --publish-at H:P  --publish-path PATH  --publish-type TYPE  --publish-header H\n"
    "  --publish-body TEXT    %T stands for the stamp that is looked for, %N for the channel's number\n"
    "  --lines N              the body N times in each request, as NDJSON\n"
    "  --channels N           publish to N channels in turn, which the subscribers share out evenly;\n"
    "                         0: every subscriber hears every event\n"
    "  --rate N               events a second; 0: as fast as the answers come\n"
    "  --seconds S            how long to publish\n"
    "  --max-events N         and how much at most\n"
    "  --drain-seconds S      how long to wait for deliveries after that\n"
    "  --pids PID,PID         the server's processes, whose CPU and memory are reported\n";

static void refuse(const char *why) {
  fprintf(stderr, "load: %s\n%s", why, USAGE);
  exit(2);
}

static void add_header(const char **headers, const char *header) {
  int count = 0;
  while (headers[count] != NULL) count++;
  if (count == MAX_HEADERS) refuse("too many headers");
  headers[count] = header;
}

static void add_address(Options *options, const char *address) {
  if (options->subscribe_addresses == MAX_ADDRESSES) refuse("too many addresses");
  options->subscribe_at[options->subscribe_addresses++] = address;
}

static void add_pids(ServerProcesses *server, char *list) {
  for (char *pid = strtok(list, ","); pid != NULL; pid = strtok(NULL, ",")) {
    if (server->count == 64) refuse("too many processes");
    server->pids[server->count++] = atoi(pid);
  }
}

static const struct option NAMES[] = {
    {"subscribers", 1, 0, 'c'},     {"subscribe-at", 1, 0, 's'}, {"subscribe-path", 1, 0, 'p'},
    {"subscribe-header", 1, 0, 'H'}, {"token-file", 1, 0, 'f'},   {"connect-window", 1, 0, 'w'},
    {"settle-ms", 1, 0, 'q'},       {"answers-with-events", 0, 0, 'e'}, {"publishers", 1, 0, 'n'},   {"publish-at", 1, 0, 'S'},
    {"publish-path", 1, 0, 'P'},    {"publish-type", 1, 0, 'T'}, {"publish-header", 1, 0, 'K'},
    {"publish-body", 1, 0, 'B'},    {"lines", 1, 0, 'l'},        {"channels", 1, 0, 'C'},
    {"rate", 1, 0, 'r'},            {"seconds", 1, 0, 'd'},      {"max-events", 1, 0, 'm'},
    {"drain-seconds", 1, 0, 'D'},   {"pids", 1, 0, 'i'},         {0, 0, 0, 0},
};

static void check(const Options *options) {
  if (options->subscribers < 0 || options->subscribers > 99999) refuse("0 to 99999 subscribers");
  if (options->publishers < 0 || options->publishers > MAX_PUBLISHERS) refuse("0 to 64 publishers");
  if (options->lines < 1 || options->lines > 10000) refuse("1 to 10000 lines");
  if (options->channels < 0 || options->channels > 99999) refuse("0 to 99999 channels");
  if (options->channels > 0 && options->channels < options->publishers) refuse("too few channels");
  // Bounded, whatever is asked for: this is no tool to leave running.
  if (options->seconds > 120 || options->drain_seconds > 120) refuse("120 seconds at most");
}

Options read_options(int count, char **words) {
  Options options = {
      .subscribe_path = "/", .connect_window = 256, .settle_ms = 300,
      .publish_at = "127.0.0.1:8001", .publish_path = "/", .publish_type = "text/plain",
      .publish_body = "%T", .lines = 1, .seconds = 1, .max_events = 100000000, .drain_seconds = 5,
  };
  int option;
  while ((option = getopt_long(count, words, "", NAMES, NULL)) != -1) {
    switch (option) {
      case 'c': options.subscribers = atoi(optarg); break;
      case 's': add_address(&options, optarg); break;
      case 'p': options.subscribe_path = optarg; break;
      case 'H': add_header(options.subscribe_headers, optarg); break;
      case 'f': options.token_file = optarg; break;
      case 'w': options.connect_window = atoi(optarg); break;
      case 'e': options.answers_with_events = true; break;
      case 'q': options.settle_ms = atoi(optarg); break;
      case 'n': options.publishers = atoi(optarg); break;
      case 'S': options.publish_at = optarg; break;
      case 'P': options.publish_path = optarg; break;
      case 'T': options.publish_type = optarg; break;
      case 'K': add_header(options.publish_headers, optarg); break;
      case 'B': options.publish_body = optarg; break;
      case 'l': options.lines = atoi(optarg); break;
      case 'C': options.channels = atoi(optarg); break;
      case 'r': options.rate = atof(optarg); break;
      case 'd': options.seconds = atof(optarg); break;
      case 'm': options.max_events = atol(optarg); break;
      case 'D': options.drain_seconds = atof(optarg); break;
      case 'i': add_pids(&options.server, optarg); break;
      default: refuse("no such option");
    }
  }
  if (options.subscribe_addresses == 0) add_address(&options, "127.0.0.1:8000");
  check(&options);
  return options;
}
