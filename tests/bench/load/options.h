#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>

#include "server.h"

#define MAX_HEADERS 8
#define MAX_ADDRESSES 8
#define MAX_PUBLISHERS 64

/** What to do to which server; `options.c` says what each option means. */
typedef struct {
  int subscribers;
  /** Subscribers are dealt out to them in turn. */
  const char *subscribe_at[MAX_ADDRESSES];
  int subscribe_addresses;
  const char *subscribe_path;
  const char *subscribe_headers[MAX_HEADERS + 1];
  const char *token_file;
  int connect_window;
  int settle_ms;
  bool answers_with_events;

  int publishers;
  const char *publish_at;
  const char *publish_path;
  const char *publish_type;
  const char *publish_headers[MAX_HEADERS + 1];
  const char *publish_body;
  int lines;
  int channels;
  double rate;
  double seconds;
  long max_events;
  double drain_seconds;

  ServerProcesses server;
} Options;

/** Reads the command line; ends the program with the usage where it is wrong. */
Options read_options(int count, char **words);

#endif
