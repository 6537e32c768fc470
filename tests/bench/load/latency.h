#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

/**
 * A histogram of times, in microseconds, exact to 1.6 %: 64 buckets for every power of two. Keeping
 * every sample would take gigabytes at the rates measured here.
 */
#define LATENCY_BUCKETS (64 * 40)

typedef struct {
  uint64_t count[LATENCY_BUCKETS];
  uint64_t total;
  uint64_t longest_us;
} Latency;

/** Counts one time. */
void latency_add(Latency *latency, int64_t ns);

/** The time below which a share of all samples lies, in microseconds; 0 without samples. */
uint64_t latency_us_at(const Latency *latency, double share);

#endif
