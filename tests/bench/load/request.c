#define _GNU_SOURCE
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(Request *request, const char *text, size_t length) {
  request->bytes = realloc(request->bytes, request->length + length + 1);
  memcpy(request->bytes + request->length, text, length);
  request->length += length;
  request->bytes[request->length] = 0;
}

static void add_mark(Mark **marks, int *count, size_t at, int event) {
  *marks = realloc(*marks, sizeof **marks * (size_t)(*count + 1));
  (*marks)[(*count)++] = (Mark){at, event};
}

/** Adds a text, with room for what its %T and %N stand for. Other percent signs are its own. */
static void add_template(Request *request, const char *text, int event) {
  while (*text != 0) {
    const char *percent = strpbrk(text, "%");
    size_t plain = percent == NULL ? strlen(text) : (size_t)(percent - text);
    add(request, text, plain);
    text += plain;
    if (percent == NULL) return;
    if (text[1] == 'T') {
      add_mark(&request->stamps, &request->stamp_count, request->length, event);
      add(request, "~0000000000000000", STAMP_LENGTH);
      text += 2;
    } else if (text[1] == 'N') {
      add_mark(&request->numbers, &request->number_count, request->length, event);
      add(request, "00000", NUMBER_LENGTH);
      text += 2;
    } else {
      add(request, text++, 1);
    }
  }
}

static size_t body_length(const Options *options) {
  Request body = {0};
  add_template(&body, options->publish_body, 0);
  size_t length = body.length + (options->lines > 1 ? 1 : 0);
  free(body.bytes);
  free(body.stamps);
  free(body.numbers);
  return length * (size_t)options->lines;
}

Request request_prepare(const Options *options) {
  Request request = {0};
  add_template(&request, "POST ", 0);
  add_template(&request, options->publish_path, 0);
  char head[512];
  int length = snprintf(head, sizeof head,
                        " HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
                        options->publish_at, options->publish_type, body_length(options));
  add(&request, head, (size_t)length);
  for (const char *const *header = options->publish_headers; *header != NULL; header++) {
    add(&request, *header, strlen(*header));
    add(&request, "\r\n", 2);
  }
  add(&request, "\r\n", 2);
  for (int line = 0; line < options->lines; line++) {
    add_template(&request, options->publish_body, line);
    if (options->lines > 1) add(&request, "\n", 1);
  }
  return request;
}

void request_fill(Request *request, uint64_t first_stamp, const int *channels) {
  static const char DIGITS[] = "0123456789abcdef";
  for (int i = 0; i < request->stamp_count; i++) {
    uint64_t stamp = first_stamp + (uint64_t)request->stamps[i].event;
    char *to = request->bytes + request->stamps[i].at + STAMP_LENGTH;
    for (int digit = 0; digit < 16; digit++, stamp >>= 4) *--to = DIGITS[stamp & 15];
  }
  for (int i = 0; i < request->number_count; i++) {
    int number = channels[request->numbers[i].event];
    char *to = request->bytes + request->numbers[i].at + NUMBER_LENGTH;
    for (int digit = 0; digit < NUMBER_LENGTH; digit++, number /= 10) *--to = '0' + number % 10;
  }
}
