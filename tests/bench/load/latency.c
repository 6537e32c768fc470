#include "latency.h"

/** Values below 64 have a bucket each; above, the six bits after the leading one choose among 64. */
static unsigned bucket_of(uint64_t us) {
  if (us < 64) return (unsigned)us;
  unsigned shift = 63 - (unsigned)__builtin_clzll(us) - 6;
  unsigned bucket = (shift + 1) * 64 + (unsigned)((us >> shift) & 63);
  return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/** The middle of a bucket. */
static uint64_t value_of(unsigned bucket) {
  if (bucket < 64) return bucket;
  unsigned shift = bucket / 64 - 1;
  uint64_t low = (uint64_t)(64 + bucket % 64) << shift;
  return low + ((1ULL << shift) >> 1);
}

void latency_add(Latency *latency, int64_t ns) {
  uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
  latency->count[bucket_of(us)]++;
  latency->total++;
  if (us > latency->longest_us) latency->longest_us = us;
}

uint64_t latency_us_at(const Latency *latency, double share) {
  uint64_t before = (uint64_t)(share * (double)latency->total);
  uint64_t seen = 0;
  for (unsigned bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
    seen += latency->count[bucket];
    if (seen > before) return value_of(bucket);
  }
  return latency->longest_us;
}
