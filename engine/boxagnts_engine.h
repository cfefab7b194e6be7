// The C side of engine/src/lib.rs: what Wasmtime's C API lacks.
#pragma once

#include <stdint.h>
#include <wasmtime.h>

#ifdef __cplusplus
extern "C" {
#endif

// Growth past these limits traps with a message that begins with kGrowthRefused (sandbox/limits).
void boxagnts_store_limit(wasmtime_store_t* store, uint64_t memory_bytes, uint32_t tables,
                          uint64_t table_elements);

#ifdef __cplusplus
}
#endif
