//! Wasmtime's C API, re-exported, and a shim for what it lacks; the URL parser (`url.rs`).
//!
//! What is in this file is called from `src/sandbox` only. C names begin with `boxagnts_`; the C side's
//! declarations are in `engine/boxagnts_engine.h`.

pub mod url;

pub use wasmtime_c_api::*;

use wasmtime_c_api::wasmtime::StoreLimitsBuilder;

/// Sets a store's limits so that growth past them *traps*, where the C API's own limiter lets
/// `memory.grow` return -1: a guest out of memory then stops at once, and the limit can be named.
/// `memory_bytes` bounds each linear memory, of which the engine allows one a module; of tables there
/// may be `tables`, of `table_elements` each.
#[no_mangle]
pub extern "C" fn boxagnts_store_limit(
    store: &mut wasmtime_store_t,
    memory_bytes: u64,
    tables: u32,
    table_elements: u64,
) {
    // Installs the limiter with the C API's own closure over `store_limits`: the counts are read now ...
    wasmtime_store_limiter(store, -1, -1, 1, tables as i64, 1);
    // ... and the sizes at each growth, from what replaces it.
    let mut context = wasmtime_store_context(store);
    context.data_mut().store_limits = StoreLimitsBuilder::new()
        .memory_size(memory_bytes as usize)
        .table_elements(table_elements as usize)
        .instances(1)
        .tables(tables as usize)
        .memories(1)
        .trap_on_grow_failure(true)
        .build();
}
