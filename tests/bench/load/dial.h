#ifndef BENCH_DIAL_H
#define BENCH_DIAL_H

/** Connects to "ADDRESS:PORT" and makes the socket non-blocking; -1 where that fails. */
int dial(const char *address);

#endif
