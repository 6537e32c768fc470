/**
 * The floor: what it takes the kernel to give an event to every subscriber with a write for each
 * delivery, and nothing else. No token, no history, no regard for slow readers: not a server to use,
 * but what any server that writes once for each delivery stays below.
 *
 * GET opens a stream; POST sends its body to all streams as one event. Its argument is its port.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FILES 65536
#define MAX_REQUEST 8192

static const char STREAM_HEAD[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    "Transfer-Encoding: chunked\r\n\r\n3\r\n:\n\n\r\n";
static const char PUBLISHED[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

static int streams[MAX_FILES];
static int stream_count;

static void forget(int fd) {
  for (int i = 0; i < stream_count; i++) {
    if (streams[i] == fd) streams[i--] = streams[--stream_count];
  }
  close(fd);
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0) {
    perror("floor");
    exit(1);
  }
  return fd;
}

static void publish(int publisher, const char *body, size_t length) {
  char event[MAX_REQUEST + 64];
  int size = snprintf(event, sizeof event, "%zx\r\ndata: %.*s\n\n\r\n", length + 8, (int)length,
                      body);
  for (int i = 0; i < stream_count; i++) {
    // The sockets block: a floor that dropped events would be no floor.
    if (write(streams[i], event, (size_t)size) != size) forget(streams[i--]);
  }
  if (write(publisher, PUBLISHED, sizeof PUBLISHED - 1) < 0) close(publisher);
}

/** Reads one whole request: the load generator never has two under way on a connection. */
static void serve(int fd) {
  static char request[MAX_REQUEST + 1];
  ssize_t length = read(fd, request, MAX_REQUEST);
  if (length <= 0) return forget(fd);
  request[length] = 0;
  if (strncmp(request, "GET", 3) == 0) {
    if (write(fd, STREAM_HEAD, sizeof STREAM_HEAD - 1) > 0) streams[stream_count++] = fd;
    return;
  }
  const char *body = strstr(request, "\r\n\r\n");
  if (body != NULL) publish(fd, body + 4, (size_t)(request + length - body - 4));
}

int main(int count, char **words) {
  if (count != 2) return 2;
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max < MAX_FILES ? files.rlim_max : MAX_FILES;
  setrlimit(RLIMIT_NOFILE, &files);

  int listener = listen_on(atoi(words[1]));
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  while (1) {
    struct epoll_event ready[256];
    int count = epoll_wait(epoll, ready, 256, -1);
    for (int i = 0; i < count; i++) {
      if (ready[i].data.fd != listener) {
        serve(ready[i].data.fd);
        continue;
      }
      int fd = accept(listener, NULL, NULL), on = 1;
      if (fd < 0) continue;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
      epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
  }
}
