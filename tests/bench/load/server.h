#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

/** The processes of the server under load, as the operating system accounts for them. */
typedef struct {
  int pids[64];
  int count;
} ServerProcesses;

/** User and system time of all of them so far, in seconds. */
double server_cpu_seconds(const ServerProcesses *server);

/** The same of their main threads alone. */
double server_main_cpu_seconds(const ServerProcesses *server);

/** Their resident memory, in KB. */
long server_rss_kb(const ServerProcesses *server);

/** Whether all of them still run. */
int server_alive(const ServerProcesses *server);

#endif
