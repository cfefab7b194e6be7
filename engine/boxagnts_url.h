// The C side of engine/src/url.rs: the URL Standard of the WHATWG, by the crate `url`.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// UTF-8, valid while the callback runs.
struct boxagnts_piece {
  const char* at;
  size_t bytes;
};

struct boxagnts_url {
  struct boxagnts_piece text;    // serialised whole
  struct boxagnts_piece scheme;  // lower case
  struct boxagnts_piece host;    // ASCII; an IPv6 address in brackets; empty where there is none
  struct boxagnts_piece target;  // path and query
  uint16_t port;                 // the scheme's where none is given; 0: unknown
  bool has_credentials;          // a user name or a password
};

// Parses `text`, against `base` unless that is empty, and calls one of the two once, before it
// returns. Thread-safe.
void boxagnts_url_parse(const char* text, size_t text_bytes, const char* base, size_t base_bytes,
                        void (*on_url)(void* context, const struct boxagnts_url* url),
                        void (*on_error)(void* context, struct boxagnts_piece why), void* context);

#ifdef __cplusplus
}
#endif
