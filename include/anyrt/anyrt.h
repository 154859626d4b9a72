#ifndef ANYRT_ANYRT_H_
#define ANYRT_ANYRT_H_

/* The C interface of anyrt. C99 and C++; needs no other header of anyrt.
 *
 * Rules that hold throughout:
 * - A function that can fail returns anyrt_status*: NULL when all is well, else an object with a code and a message
 * that the caller frees with anyrt_status_free. Results come through the last pointer and are NULL after a failure.
 * - What a function named *_create, *_load, *_clone or *_get, or an `out` parameter, hands over belongs to the caller,
 *   who frees it with the matching *_free; these accept NULL. Texts and pointers that are returned belong to the object
 *   they were asked of and live as long as it does.
 * - Objects are opaque. One session may be used by any number of threads at a time; other objects by one at a time,
 *   except for anyrt_run_options_cancel.
 * - Texts are UTF-8 and end with a zero byte. Sizes are in bytes, times in seconds.
 * - Nothing throws. Functions are only ever added; ANYRT_API_VERSION counts when they are. */

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define ANYRT_API
#else
#define ANYRT_API __attribute__((visibility("default")))
#endif
#ifdef __cplusplus
#define ANYRT_NOEXCEPT noexcept
extern "C" {
#else
#define ANYRT_NOEXCEPT
#endif

/* ---- version ---- */

#define ANYRT_API_VERSION 1

/* The ANYRT_API_VERSION of the library that runs; programs built with a lower or equal one work with it. */
ANYRT_API uint32_t anyrt_api_version(void) ANYRT_NOEXCEPT;
/* "0.1.0" */
ANYRT_API const char* anyrt_version(void) ANYRT_NOEXCEPT;

/* ---- status ---- */

typedef enum anyrt_code {
  ANYRT_OK = 0,
  ANYRT_INVALID_ARGUMENT = 1,   /* the caller's inputs or options are wrong */
  ANYRT_INVALID_MODEL = 2,      /* the bytes or the graph are broken */
  ANYRT_NOT_FOUND = 3,          /* file, name or operator is missing */
  ANYRT_NOT_IMPLEMENTED = 4,    /* well-formed, but anyrt cannot do it */
  ANYRT_OUT_OF_RANGE = 5,       /* an index or a value lies outside of its range */
  ANYRT_RESOURCE_EXHAUSTED = 6, /* memory cap or a size limit is hit, or memory is short */
  ANYRT_CANCELLED = 7,
  ANYRT_DEADLINE_EXCEEDED = 8,
  ANYRT_IO_ERROR = 9,
  ANYRT_INTERNAL = 10
} anyrt_code;

typedef struct anyrt_status anyrt_status;

/* ANYRT_OK for NULL. */
ANYRT_API anyrt_code anyrt_status_code(const anyrt_status* status) ANYRT_NOEXCEPT;
/* What went wrong, for people; "" for NULL. */
ANYRT_API const char* anyrt_status_message(const anyrt_status* status) ANYRT_NOEXCEPT;
/* "invalid argument" ... */
ANYRT_API const char* anyrt_code_name(anyrt_code code) ANYRT_NOEXCEPT;
/* For callbacks that report a failure; never NULL unless code is ANYRT_OK. */
ANYRT_API anyrt_status* anyrt_status_create(anyrt_code code, const char* message) ANYRT_NOEXCEPT;
ANYRT_API void anyrt_status_free(anyrt_status* status) ANYRT_NOEXCEPT;

/* ---- log ---- */

typedef enum anyrt_log_level {
  ANYRT_LOG_DEBUG = 1,
  ANYRT_LOG_INFO = 2,
  ANYRT_LOG_WARNING = 3,
  ANYRT_LOG_ERROR = 4,
  ANYRT_LOG_OFF = 5
} anyrt_log_level;

/* Called by one thread at a time; `message` lives during the call. Must not set the callback. */
typedef void (*anyrt_log_fn)(void* user, anyrt_log_level level, const char* message);

/* Where the process's messages go; NULL: to standard error, as at first. */
ANYRT_API anyrt_status* anyrt_set_log_callback(anyrt_log_fn callback, void* user) ANYRT_NOEXCEPT;
/* Messages below the level are dropped. At first it is ANYRT_LOG_LEVEL of the environment, else warning. */
ANYRT_API anyrt_status* anyrt_set_log_level(anyrt_log_level level) ANYRT_NOEXCEPT;

/* ---- types ---- */

/* Element types, numbered as in ONNX. */
typedef enum anyrt_dtype {
  ANYRT_UNDEFINED = 0,
  ANYRT_FLOAT32 = 1,
  ANYRT_UINT8 = 2,
  ANYRT_INT8 = 3,
  ANYRT_UINT16 = 4,
  ANYRT_INT16 = 5,
  ANYRT_INT32 = 6,
  ANYRT_INT64 = 7,
  ANYRT_STRING = 8,
  ANYRT_BOOL = 9,
  ANYRT_FLOAT16 = 10,
  ANYRT_FLOAT64 = 11,
  ANYRT_UINT32 = 12,
  ANYRT_UINT64 = 13,
  ANYRT_COMPLEX64 = 14,
  ANYRT_COMPLEX128 = 15,
  ANYRT_BFLOAT16 = 16,
  ANYRT_FLOAT8E4M3FN = 17,
  ANYRT_FLOAT8E4M3FNUZ = 18,
  ANYRT_FLOAT8E5M2 = 19,
  ANYRT_FLOAT8E5M2FNUZ = 20,
  ANYRT_UINT4 = 21,
  ANYRT_INT4 = 22,
  ANYRT_FLOAT4E2M1 = 23,
  ANYRT_FLOAT8E8M0 = 24,
  ANYRT_UINT2 = 25,
  ANYRT_INT2 = 26
} anyrt_dtype;

/* Bytes of one element in memory: types narrower than a byte take one each (value in the low bits, signed ones
 * sign-extended); 0 for strings and ANYRT_UNDEFINED. */
ANYRT_API size_t anyrt_dtype_size(anyrt_dtype dtype) ANYRT_NOEXCEPT;
/* "float32"; "undefined" for numbers that name no type. */
ANYRT_API const char* anyrt_dtype_name(anyrt_dtype dtype) ANYRT_NOEXCEPT;

typedef enum anyrt_kind {
  ANYRT_KIND_NONE = 0, /* an empty optional; of types: not known */
  ANYRT_KIND_TENSOR = 1,
  ANYRT_KIND_SPARSE = 2,
  ANYRT_KIND_SEQUENCE = 3,
  ANYRT_KIND_OPTIONAL = 4, /* of types only: an optional that holds a value is that value */
  ANYRT_KIND_MAP = 5
} anyrt_kind;

/* What a model says of an input or output, or a value of itself. */
typedef struct anyrt_type anyrt_type;

/* Reads "float32[N,3,?]", "seq(int64)", "optional(float32)", "map(string,float32)" and the like. */
ANYRT_API anyrt_status* anyrt_type_parse(const char* text, anyrt_type** out) ANYRT_NOEXCEPT;
ANYRT_API void anyrt_type_free(anyrt_type* type) ANYRT_NOEXCEPT;
ANYRT_API anyrt_kind anyrt_type_kind(const anyrt_type* type) ANYRT_NOEXCEPT;
/* Tensor and sparse: the element type; map: the key type. */
ANYRT_API anyrt_dtype anyrt_type_dtype(const anyrt_type* type) ANYRT_NOEXCEPT;
/* Tensor and sparse: number of dimensions, -1 when not known. */
ANYRT_API int anyrt_type_rank(const anyrt_type* type) ANYRT_NOEXCEPT;
/* A size, or -1 when it is symbolic or not known. */
ANYRT_API int64_t anyrt_type_dim(const anyrt_type* type, size_t axis) ANYRT_NOEXCEPT;
/* "batch", "2*N+1" for a symbolic size, "" for others. */
ANYRT_API const char* anyrt_type_dim_symbol(const anyrt_type* type, size_t axis) ANYRT_NOEXCEPT;
/* Sequence and optional: the element; map: the value. NULL for others. */
ANYRT_API const anyrt_type* anyrt_type_elem(const anyrt_type* type) ANYRT_NOEXCEPT;
/* The form that anyrt_type_parse reads. */
ANYRT_API const char* anyrt_type_text(const anyrt_type* type) ANYRT_NOEXCEPT;

/* ---- values ---- */

typedef struct anyrt_value anyrt_value;

/* Called once, with `user`, when nothing uses the caller's memory any more; on any thread. */
typedef void (*anyrt_release_fn)(void* user);

/* A tensor of zeros or empty strings. `dims` may be NULL when rank is 0. */
ANYRT_API anyrt_status* anyrt_tensor_create(anyrt_dtype dtype, const int64_t* dims, size_t rank,
                                            anyrt_value** out) ANYRT_NOEXCEPT;
/* Copies `bytes` bytes, which must be as many as the tensor has. Not for strings. */
ANYRT_API anyrt_status* anyrt_tensor_copy(anyrt_dtype dtype, const int64_t* dims, size_t rank, const void* data,
                                          size_t bytes, anyrt_value** out) ANYRT_NOEXCEPT;
/* Uses the caller's memory in place: aligned for the element type, of at least the tensor's size, and alive and
 * unchanged while values, runs or results use it. `release` (may be NULL) says when that ends; it is called also when
 * the function fails. Runs only read it, unless it is given as the place for an output. Not for strings. */
ANYRT_API anyrt_status* anyrt_tensor_borrow(anyrt_dtype dtype, const int64_t* dims, size_t rank, void* data,
                                            size_t bytes, anyrt_release_fn release, void* user,
                                            anyrt_value** out) ANYRT_NOEXCEPT;
/* Elements narrower than a byte, packed as in ONNX files (first in the low bits). */
ANYRT_API anyrt_status* anyrt_tensor_unpack(anyrt_dtype dtype, const int64_t* dims, size_t rank, const void* packed,
                                            size_t bytes, anyrt_value** out) ANYRT_NOEXCEPT;
/* The reverse: writes the packed form into `packed`; `bytes` must be (elements * bits + 7) / 8. */
ANYRT_API anyrt_status* anyrt_tensor_pack(const anyrt_value* tensor, void* packed, size_t bytes) ANYRT_NOEXCEPT;
/* Copies strings. `lengths` may be NULL: then they end with a zero byte. */
ANYRT_API anyrt_status* anyrt_tensor_from_strings(const int64_t* dims, size_t rank, const char* const* strings,
                                                  const size_t* lengths, anyrt_value** out) ANYRT_NOEXCEPT;

/* The values are shared, not copied, here and below; the caller keeps its own handles. `elem` may be NULL when there
 * is a first value to take the type from. */
ANYRT_API anyrt_status* anyrt_sequence_create(const anyrt_type* elem, const anyrt_value* const* values, size_t count,
                                              anyrt_value** out) ANYRT_NOEXCEPT;
/* `keys`: a one-dimensional tensor of int64 or strings with `count` elements. Entries are sorted by key. `elem` as for
 * sequences. */
ANYRT_API anyrt_status* anyrt_map_create(const anyrt_type* elem, const anyrt_value* keys,
                                         const anyrt_value* const* values, size_t count,
                                         anyrt_value** out) ANYRT_NOEXCEPT;
/* COO: `values` [n]; `indices` int64, [n] into the flattened tensor or [n, rank]. */
ANYRT_API anyrt_status* anyrt_sparse_create(const int64_t* dims, size_t rank, const anyrt_value* values,
                                            const anyrt_value* indices, anyrt_value** out) ANYRT_NOEXCEPT;
/* An optional without a value. One that has a value is that value. */
ANYRT_API anyrt_status* anyrt_optional_create(anyrt_value** out) ANYRT_NOEXCEPT;

/* Another handle of the same value; bytes are shared. */
ANYRT_API anyrt_status* anyrt_value_clone(const anyrt_value* value, anyrt_value** out) ANYRT_NOEXCEPT;
ANYRT_API void anyrt_value_free(anyrt_value* value) ANYRT_NOEXCEPT;

ANYRT_API anyrt_kind anyrt_value_kind(const anyrt_value* value) ANYRT_NOEXCEPT;
ANYRT_API anyrt_status* anyrt_value_type(const anyrt_value* value, anyrt_type** out) ANYRT_NOEXCEPT;

/* Tensors (dims also of sparse ones); for other values ANYRT_UNDEFINED, 0 or NULL. */
ANYRT_API anyrt_dtype anyrt_tensor_dtype(const anyrt_value* tensor) ANYRT_NOEXCEPT;
ANYRT_API size_t anyrt_tensor_rank(const anyrt_value* tensor) ANYRT_NOEXCEPT;
ANYRT_API const int64_t* anyrt_tensor_dims(const anyrt_value* tensor) ANYRT_NOEXCEPT;
ANYRT_API size_t anyrt_tensor_size(const anyrt_value* tensor) ANYRT_NOEXCEPT;  /* elements */
ANYRT_API size_t anyrt_tensor_bytes(const anyrt_value* tensor) ANYRT_NOEXCEPT; /* 0 for strings */
/* The elements, row-major, without a copy: they live as long as a handle of the value. NULL for strings. */
ANYRT_API const void* anyrt_tensor_data(const anyrt_value* tensor) ANYRT_NOEXCEPT;
/* The same for writing. Who writes must be the only one to use the value. */
ANYRT_API void* anyrt_tensor_mutable_data(anyrt_value* tensor) ANYRT_NOEXCEPT;
/* Element `index` of a tensor of strings. `length` may be NULL. */
ANYRT_API anyrt_status* anyrt_tensor_string(const anyrt_value* tensor, size_t index, const char** out,
                                            size_t* length) ANYRT_NOEXCEPT;

/* Sequences and maps: number of elements; 0 for others. */
ANYRT_API size_t anyrt_value_count(const anyrt_value* value) ANYRT_NOEXCEPT;
/* Element `index` of a sequence, or the value of entry `index` of a map. */
ANYRT_API anyrt_status* anyrt_value_get(const anyrt_value* value, size_t index, anyrt_value** out) ANYRT_NOEXCEPT;
/* The keys of a map in order, as a tensor of int64 or strings. */
ANYRT_API anyrt_status* anyrt_map_keys(const anyrt_value* map, anyrt_value** out) ANYRT_NOEXCEPT;
ANYRT_API anyrt_status* anyrt_sparse_values(const anyrt_value* sparse, anyrt_value** out) ANYRT_NOEXCEPT;
ANYRT_API anyrt_status* anyrt_sparse_indices(const anyrt_value* sparse, anyrt_value** out) ANYRT_NOEXCEPT;
ANYRT_API anyrt_status* anyrt_sparse_to_dense(const anyrt_value* sparse, anyrt_value** out) ANYRT_NOEXCEPT;

/* ---- options of a session ---- */

typedef struct anyrt_options anyrt_options;

/* Starts from what the environment says (ANYRT_THREADS and the like), as sessions without options do. */
ANYRT_API anyrt_status* anyrt_options_create(anyrt_options** out) ANYRT_NOEXCEPT;
ANYRT_API void anyrt_options_free(anyrt_options* options) ANYRT_NOEXCEPT;
/* Sets an option from text. An unknown key is an error that lists all of them. Keys and values:
 *   hint             latency, throughput or memory
 *   threads          most threads of one run; 0: what the process may use
 *   accuracy         strict, default or fast
 *   deterministic    1: the same bits for every run and number of threads
 *   memory_cap       most bytes of one run's activations: 67108864, 64MiB; 0: none
 *   cache_dir        folder for files that outlive the process
 *   weight_cache     0, 1: keep packed weights there and map them in later sessions
 *   log_level        debug, info, warning, error or off; for the whole process
 *   device           one device that must be there: cpu, loopback, ...
 *   devices          devices in order of preference, separated by commas
 *   optimize         1 or 0: graph passes
 *   disabled_passes  names separated by commas
 *   dims             sizes fixed for symbols: batch=1,sequence=128
 *   op_library       a shared library with custom operators (anyrt/custom_op.h); may be set several times */
ANYRT_API anyrt_status* anyrt_options_set(anyrt_options* options, const char* key, const char* value) ANYRT_NOEXCEPT;

/* ---- sessions ---- */

typedef struct anyrt_session anyrt_session;

/* `options` may be NULL. */
ANYRT_API anyrt_status* anyrt_session_load(const char* path, const anyrt_options* options,
                                           anyrt_session** out) ANYRT_NOEXCEPT;
/* A model in memory. Without `release` the bytes are copied where they are needed. With it they are used in place:
 * they must stay until it is called, which happens also when the function fails. */
ANYRT_API anyrt_status* anyrt_session_load_bytes(const void* data, size_t size, anyrt_release_fn release, void* user,
                                                 const anyrt_options* options, anyrt_session** out) ANYRT_NOEXCEPT;
/* Fills at most `size` bytes of `buffer` and returns how many; 0 at the end, a negative number on failure. */
typedef int64_t (*anyrt_read_fn)(void* user, void* buffer, size_t size);
ANYRT_API anyrt_status* anyrt_session_load_stream(anyrt_read_fn read, void* user, const anyrt_options* options,
                                                  anyrt_session** out) ANYRT_NOEXCEPT;
/* Waits for asynchronous runs that are under way or queued; their callbacks are called. From inside such a callback it
 * returns at once, and the session goes when its runs have ended. Results stay valid. */
ANYRT_API void anyrt_session_free(anyrt_session* session) ANYRT_NOEXCEPT;

/* Inputs that must be given, overridable initializers (inputs with a default) and outputs, in the model's order.
 * Beyond the count: NULL. */
ANYRT_API size_t anyrt_session_input_count(const anyrt_session* session) ANYRT_NOEXCEPT;
ANYRT_API const char* anyrt_session_input_name(const anyrt_session* session, size_t index) ANYRT_NOEXCEPT;
ANYRT_API const anyrt_type* anyrt_session_input_type(const anyrt_session* session, size_t index) ANYRT_NOEXCEPT;
ANYRT_API size_t anyrt_session_initializer_count(const anyrt_session* session) ANYRT_NOEXCEPT;
ANYRT_API const char* anyrt_session_initializer_name(const anyrt_session* session, size_t index) ANYRT_NOEXCEPT;
ANYRT_API const anyrt_type* anyrt_session_initializer_type(const anyrt_session* session, size_t index) ANYRT_NOEXCEPT;
ANYRT_API size_t anyrt_session_output_count(const anyrt_session* session) ANYRT_NOEXCEPT;
ANYRT_API const char* anyrt_session_output_name(const anyrt_session* session, size_t index) ANYRT_NOEXCEPT;
ANYRT_API const anyrt_type* anyrt_session_output_type(const anyrt_session* session, size_t index) ANYRT_NOEXCEPT;

/* producer_name, producer_version, domain, description, graph_name, model_version, ir_version; NULL for other keys. */
ANYRT_API const char* anyrt_session_info(const anyrt_session* session, const char* key) ANYRT_NOEXCEPT;
/* The model's own metadata. */
ANYRT_API size_t anyrt_session_metadata_count(const anyrt_session* session) ANYRT_NOEXCEPT;
ANYRT_API const char* anyrt_session_metadata_key(const anyrt_session* session, size_t index) ANYRT_NOEXCEPT;
ANYRT_API const char* anyrt_session_metadata_value(const anyrt_session* session, size_t index) ANYRT_NOEXCEPT;
/* What runs where and how: devices, kernels, fusions, memory. Free with anyrt_text_free. */
ANYRT_API anyrt_status* anyrt_session_explain(const anyrt_session* session, char** out) ANYRT_NOEXCEPT;
ANYRT_API void anyrt_text_free(char* text) ANYRT_NOEXCEPT;

/* ---- running ---- */

typedef struct anyrt_run_options anyrt_run_options;

ANYRT_API anyrt_status* anyrt_run_options_create(anyrt_run_options** out) ANYRT_NOEXCEPT;
/* Also while runs go on that were started with it. */
ANYRT_API void anyrt_run_options_free(anyrt_run_options* options) ANYRT_NOEXCEPT;
/* Stops all runs that were started with these options, and those that are started later, until reset. From any thread.
 */
ANYRT_API void anyrt_run_options_cancel(anyrt_run_options* options) ANYRT_NOEXCEPT;
ANYRT_API void anyrt_run_options_reset(anyrt_run_options* options) ANYRT_NOEXCEPT;
/* Seconds that a run may take, counted from when it is asked for; 0 or less: any time. */
ANYRT_API anyrt_status* anyrt_run_options_set_timeout(anyrt_run_options* options, double seconds) ANYRT_NOEXCEPT;
/* Bytes of activations; 0: what the session's options say. */
ANYRT_API anyrt_status* anyrt_run_options_set_memory_cap(anyrt_run_options* options, size_t bytes) ANYRT_NOEXCEPT;

/* Runs the model. All inputs without a default must be given. Where `input_names` is NULL, `inputs` are the first of
 * the required inputs, in the model's order; where `output_names` is NULL, the first outputs. An entry of `outputs`
 * that is NULL receives a new value. One that is a tensor receives the elements in its own memory: element type and
 * shape must be those of the result. Kernels write there directly; the elements are copied once where the result is an
 * input or a weight, comes out of control flow or another device, or the memory is also that of an input or of another
 * output. After a failure its contents are undefined, and entries that were NULL are NULL. `options` may be NULL. */
ANYRT_API anyrt_status* anyrt_session_run(const anyrt_session* session, const anyrt_run_options* options,
                                          const char* const* input_names, const anyrt_value* const* inputs,
                                          size_t input_count, const char* const* output_names, anyrt_value** outputs,
                                          size_t output_count) ANYRT_NOEXCEPT;

/* Called once for each asynchronous run, on a thread of the session. `status` (NULL when all is well) and the values in
 * `outputs` belong to the callee, who frees them; the array itself does not. After a failure `output_count` is 0. */
typedef void (*anyrt_run_fn)(void* user, anyrt_status* status, anyrt_value** outputs, size_t output_count);
/* As anyrt_session_run, but returns at once. Names and values are noted: the caller may free its handles. `outputs` may
 * be NULL, or holds tensors to write into; the callback gets another handle of these. A failure that is returned here
 * is not reported to the callback. */
ANYRT_API anyrt_status* anyrt_session_run_async(anyrt_session* session, const anyrt_run_options* options,
                                                const char* const* input_names, const anyrt_value* const* inputs,
                                                size_t input_count, const char* const* output_names,
                                                const anyrt_value* const* outputs, size_t output_count,
                                                anyrt_run_fn callback, void* user) ANYRT_NOEXCEPT;

/* ---- binding: inputs and outputs set once, run often ---- */

typedef struct anyrt_binding anyrt_binding;

/* The session must outlive the binding. */
ANYRT_API anyrt_status* anyrt_binding_create(const anyrt_session* session, anyrt_binding** out) ANYRT_NOEXCEPT;
ANYRT_API void anyrt_binding_free(anyrt_binding* binding) ANYRT_NOEXCEPT;
/* Replaces what was bound to the name. The value is shared: elements written into it later are seen by later runs. */
ANYRT_API anyrt_status* anyrt_binding_set_input(anyrt_binding* binding, const char* name,
                                                const anyrt_value* value) ANYRT_NOEXCEPT;
/* `value`: a tensor to write into, or NULL for a new value with each run. Where no output is bound, runs make all. */
ANYRT_API anyrt_status* anyrt_binding_set_output(anyrt_binding* binding, const char* name,
                                                 const anyrt_value* value) ANYRT_NOEXCEPT;
/* Forgets inputs, outputs and results. */
ANYRT_API void anyrt_binding_clear(anyrt_binding* binding) ANYRT_NOEXCEPT;
ANYRT_API anyrt_status* anyrt_binding_run(anyrt_binding* binding, const anyrt_run_options* options) ANYRT_NOEXCEPT;
/* A result of the last run. */
ANYRT_API anyrt_status* anyrt_binding_get_output(const anyrt_binding* binding, const char* name,
                                                 anyrt_value** out) ANYRT_NOEXCEPT;

/* ---- devices and custom operators ---- */

ANYRT_API size_t anyrt_device_count(void) ANYRT_NOEXCEPT;
/* "cpu", "loopback" ...; NULL beyond the count. */
ANYRT_API const char* anyrt_device_name(size_t index) ANYRT_NOEXCEPT;

/* Loads a shared library with custom operators (anyrt/custom_op.h) for all sessions that the process makes from now on;
 * the option op_library does so for one session. */
ANYRT_API anyrt_status* anyrt_register_op_library(const char* path) ANYRT_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* ANYRT_ANYRT_H_ */
