// Turns C++ functions into Wasmtime host functions: the wasm type, the raw-value glue and the
// memory view come from the C++ signature.
//
//   Errno fd_close(Call& call, std::uint32_t fd);
//   define<fd_close>(linker, "wasi_snapshot_preview1", "fd_close");
//
// uint32_t is i32, uint64_t is i64; the result is the errno as i32. When the process has ended by
// the time the function returns, the guest is left by a trap. C++ exceptions end here (ENOMEM).
#pragma once

#include <wasmtime.h>

#include <array>
#include <new>
#include <string_view>
#include <utility>

#include "sandbox/process.h"

namespace boxagnts::sandbox {

struct Call {
  ProcessState& process;
  Memory memory;
};

namespace detail {

template <class T>
T argument(const wasmtime_val_raw_t& raw) {
  if constexpr (sizeof(T) == 8)
    return static_cast<T>(raw.i64);
  else
    return static_cast<T>(raw.i32);
}

Memory memory_of(ProcessState& process, wasmtime_caller_t* caller);
wasm_trap_t* leave_guest();

template <auto Function, class... Arguments, std::size_t... I>
wasm_trap_t* invoke(wasmtime_caller_t* caller, wasmtime_val_raw_t* values,
                    std::index_sequence<I...>) {
  auto* context = wasmtime_caller_context(caller);
  auto& process = *static_cast<ProcessState*>(wasmtime_context_get_data(context));
  Errno result;
  try {
    Call call{process, memory_of(process, caller)};
    result = Function(call, argument<Arguments>(values[I])...);
  } catch (const std::bad_alloc&) {
    result = Errno::nomem;
  } catch (...) {
    result = Errno::io;
  }
  if (process.ended()) return leave_guest();
  values[0].i32 = static_cast<std::int32_t>(result);
  return nullptr;
}

template <auto Function>
struct Binding;

template <class... Arguments, Errno (*Function)(Call&, Arguments...)>
struct Binding<Function> {
  static wasm_trap_t* call(void*, wasmtime_caller_t* caller, wasmtime_val_raw_t* values,
                           std::size_t) {
    return invoke<Function, Arguments...>(caller, values, std::index_sequence_for<Arguments...>{});
  }
  static wasm_functype_t* type() {
    wasm_valtype_vec_t parameters, results;
    std::array<wasm_valtype_t*, sizeof...(Arguments) + 1> types{
        wasm_valtype_new(sizeof(Arguments) == 8 ? WASM_I64 : WASM_I32)..., nullptr};
    wasm_valtype_vec_new(&parameters, sizeof...(Arguments), types.data());
    wasm_valtype_t* result = wasm_valtype_new(WASM_I32);
    wasm_valtype_vec_new(&results, 1, &result);
    return wasm_functype_new(&parameters, &results);
  }
};

// proc_exit alone returns nothing.
template <void (*Function)(Call&, std::uint32_t)>
struct Binding<Function> {
  static wasm_trap_t* call(void*, wasmtime_caller_t* caller, wasmtime_val_raw_t* values,
                           std::size_t) {
    auto* context = wasmtime_caller_context(caller);
    auto& process = *static_cast<ProcessState*>(wasmtime_context_get_data(context));
    Call call{process, Memory(nullptr, 0)};
    Function(call, argument<std::uint32_t>(values[0]));
    return leave_guest();
  }
  static wasm_functype_t* type() {
    wasm_valtype_vec_t parameters, results;
    wasm_valtype_t* parameter = wasm_valtype_new(WASM_I32);
    wasm_valtype_vec_new(&parameters, 1, &parameter);
    wasm_valtype_vec_new_empty(&results);
    return wasm_functype_new(&parameters, &results);
  }
};

}  // namespace detail

template <auto Function>
void define(wasmtime_linker_t& linker, std::string_view module, std::string_view name) {
  auto* type = detail::Binding<Function>::type();
  if (auto* error = wasmtime_linker_define_func_unchecked(
          &linker, module.data(), module.size(), name.data(), name.size(), type,
          detail::Binding<Function>::call, nullptr, nullptr))
    wasmtime_error_delete(error);  // only a name defined twice fails: a test would not link
  wasm_functype_delete(type);
}

}  // namespace boxagnts::sandbox
