#include "server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** Reads /proc/PID/FILE; an empty text where the process has ended. */
static void read_file(int pid, const char *file, char *text, size_t room) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  FILE *stream = fopen(path, "r");
  size_t length = 0;
  if (stream != NULL) {
    length = fread(text, 1, room - 1, stream);
    fclose(stream);
  }
  text[length] = 0;
}

/** User and system time in a file like `/proc/PID/stat`, in the system's ticks. */
static unsigned long ticks_in(int pid, const char *file) {
  char text[1024];
  read_file(pid, file, text, sizeof text);
  // The name in parentheses may hold spaces: count the fields behind it.
  const char *fields = strrchr(text, ')');
  unsigned long user, kernel;
  if (fields == NULL || sscanf(fields + 2,
                               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                               &user, &kernel) != 2) {
    return 0;
  }
  return user + kernel;
}

double server_cpu_seconds(const ServerProcesses *server) {
  unsigned long ticks = 0;
  for (int i = 0; i < server->count; i++) ticks += ticks_in(server->pids[i], "stat");
  return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

double server_main_cpu_seconds(const ServerProcesses *server) {
  unsigned long ticks = 0;
  for (int i = 0; i < server->count; i++) {
    char file[64];
    snprintf(file, sizeof file, "task/%d/stat", server->pids[i]);
    ticks += ticks_in(server->pids[i], file);
  }
  return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

long server_rss_kb(const ServerProcesses *server) {
  long pages = 0;
  for (int i = 0; i < server->count; i++) {
    char text[256];
    read_file(server->pids[i], "statm", text, sizeof text);
    long resident;
    if (sscanf(text, "%*d %ld", &resident) == 1) pages += resident;
  }
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int server_alive(const ServerProcesses *server) {
  for (int i = 0; i < server->count; i++) {
    char text[1024];
    read_file(server->pids[i], "stat", text, sizeof text);
    const char *fields = strrchr(text, ')');
    if (fields == NULL || fields[2] == 'Z') return 0;
  }
  return 1;
}
