#define _GNU_SOURCE
#include "dial.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/** Longer than a few lost connection requests take to be sent again, which the kernel does by itself. */
#define CONNECT_SECONDS 15

static int give_up(int fd) {
  close(fd);
  return -1;
}

int dial(const char *address) {
  char host[64];
  const char *colon = strrchr(address, ':');
  if (colon == NULL) return -1;
  snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
  if (inet_pton(AF_INET, host, &to.sin_addr) != 1) return -1;

  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  struct timeval limit = {CONNECT_SECONDS, 0};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) return give_up(fd);
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // The simplest there is: what the load generator sends crosses no network, and some systems' default
  // (BBR) would pace it with timers at the cost of its core.
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  // Closing sends a reset: thousands of connections waiting out their time would use up the ports.
  struct linger reset = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return give_up(fd);
  return fd;
}
